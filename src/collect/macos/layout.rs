//! Where macOS keeps what is read, `<sys/proc_info.h>` and `<libproc.h>`.

use crate::collect::bsd::layout::layout;

layout! {
    /// Of a process of `PROC_PIDTBSDINFO`.
    BSDINFO: usize = 136 is "sizeof(struct proc_bsdinfo)";
    BSDINFO_PID: usize = 12 is "offsetof(struct proc_bsdinfo, pbi_pid)";
    BSDINFO_PPID: usize = 16 is "offsetof(struct proc_bsdinfo, pbi_ppid)";
    BSDINFO_UID: usize = 20 is "offsetof(struct proc_bsdinfo, pbi_uid)";
    BSDINFO_COMM: usize = 48 is "offsetof(struct proc_bsdinfo, pbi_comm)";
    BSDINFO_COMM_ROOM: usize = 16 is "sizeof(((struct proc_bsdinfo *)0)->pbi_comm)";
    BSDINFO_NAME: usize = 64 is "offsetof(struct proc_bsdinfo, pbi_name)";
    BSDINFO_NAME_ROOM: usize = 32 is "sizeof(((struct proc_bsdinfo *)0)->pbi_name)";
    BSDINFO_SECONDS: usize = 120 is "offsetof(struct proc_bsdinfo, pbi_start_tvsec)";
    BSDINFO_MICROSECONDS: usize = 128 is "offsetof(struct proc_bsdinfo, pbi_start_tvusec)";

    /// Of a descriptor of `PROC_PIDFDSOCKETINFO`, or a file port of `PROC_PIDFILEPORTSOCKETINFO`.
    SOCKET: usize = 792 is "sizeof(struct socket_fdinfo)";
    SOCKET_HANDLE: usize = 160 is "offsetof(struct socket_fdinfo, psi.soi_so)";
    SOCKET_TYPE: usize = 176 is "offsetof(struct socket_fdinfo, psi.soi_type)";
    SOCKET_PROTOCOL: usize = 180 is "offsetof(struct socket_fdinfo, psi.soi_protocol)";
    SOCKET_FAMILY: usize = 184 is "offsetof(struct socket_fdinfo, psi.soi_family)";
    SOCKET_OPTIONS: usize = 188 is "offsetof(struct socket_fdinfo, psi.soi_options)";
    SOCKET_QUEUE: usize = 194 is "offsetof(struct socket_fdinfo, psi.soi_qlen)";
    SOCKET_INCOMPLETE: usize = 196 is "offsetof(struct socket_fdinfo, psi.soi_incqlen)";
    SOCKET_LIMIT: usize = 198 is "offsetof(struct socket_fdinfo, psi.soi_qlimit)";
    SOCKET_RECEIVED: usize = 208 is "offsetof(struct socket_fdinfo, psi.soi_rcv.sbi_cc)";
    SOCKET_KIND: usize = 256 is "offsetof(struct socket_fdinfo, psi.soi_kind)";
    INET_PEER_PORT: usize = 264 is "offsetof(struct socket_fdinfo, psi.soi_proto.pri_in.insi_fport)";
    INET_PORT: usize = 268 is "offsetof(struct socket_fdinfo, psi.soi_proto.pri_in.insi_lport)";
    INET_VERSIONS: usize = 288 is "offsetof(struct socket_fdinfo, psi.soi_proto.pri_in.insi_vflag)";
    INET_ADDRESS: usize = 312 is "offsetof(struct socket_fdinfo, psi.soi_proto.pri_in.insi_laddr)";
    TCP_STATE: usize = 344 is "offsetof(struct socket_fdinfo, psi.soi_proto.pri_tcp.tcpsi_state)";
    UNIX_PEER: usize = 272 is "offsetof(struct socket_fdinfo, psi.soi_proto.pri_un.unsi_conn_pcb)";
    UNIX_LENGTH: usize = 280 is "offsetof(struct socket_fdinfo, psi.soi_proto.pri_un.unsi_addr.ua_sun.sun_len)";
    UNIX_PATH: usize = 282 is "offsetof(struct socket_fdinfo, psi.soi_proto.pri_un.unsi_addr.ua_sun.sun_path)";
    UNIX_ROOM: usize = 255 is "sizeof(((struct un_sockinfo *)0)->unsi_addr)";
    VSOCK_CID: usize = 264 is "offsetof(struct socket_fdinfo, psi.soi_proto.pri_vsock.local_cid)";
    VSOCK_PORT: usize = 268 is "offsetof(struct socket_fdinfo, psi.soi_proto.pri_vsock.local_port)";

    /// Of a mapped file of `PROC_PIDREGIONPATHINFO`, without the path at its end.
    REGION: usize = 1272 is "sizeof(struct proc_regionwithpathinfo)";
    REGION_KEPT: usize = 248 is "offsetof(struct proc_regionwithpathinfo, prp_vip.vip_path)";
    REGION_ADDRESS: usize = 80 is "offsetof(struct proc_regionwithpathinfo, prp_prinfo.pri_address)";
    REGION_SIZE: usize = 88 is "offsetof(struct proc_regionwithpathinfo, prp_prinfo.pri_size)";
    REGION_DEVICE: usize = 96 is "offsetof(struct proc_regionwithpathinfo, prp_vip.vip_vi.vi_stat.vst_dev)";
    REGION_LINKS: usize = 102 is "offsetof(struct proc_regionwithpathinfo, prp_vip.vip_vi.vi_stat.vst_nlink)";
    REGION_INODE: usize = 104 is "offsetof(struct proc_regionwithpathinfo, prp_vip.vip_vi.vi_stat.vst_ino)";

    /// What the kinds of sockets are called.
    KIND_INET: u32 = 1 is "SOCKINFO_IN";
    KIND_TCP: u32 = 2 is "SOCKINFO_TCP";
    KIND_UNIX: u32 = 3 is "SOCKINFO_UN";
    KIND_VSOCK: u32 = 7 is "SOCKINFO_VSOCK";
    STREAM: u32 = 1 is "SOCK_STREAM";
    DGRAM: u32 = 2 is "SOCK_DGRAM";
    PROTOCOL_UDP: u32 = 17 is "IPPROTO_UDP";
    ACCEPTS: u16 = 2 is "SO_ACCEPTCONN";
}

/// What is not decoded and has to be as it is here all the same.
pub mod numbers {
    use crate::collect::bsd::layout::layout;
    #[cfg(test)]
    use crate::collect::bsd::{errno, inet};

    layout! {
        ALL_PIDS: u32 = 1 is "PROC_ALL_PIDS";
        LIST_FDS: i32 = 1 is "PROC_PIDLISTFDS";
        PROCESS: i32 = 3 is "PROC_PIDTBSDINFO";
        REGION: i32 = 8 is "PROC_PIDREGIONPATHINFO";
        LIST_FILEPORTS: i32 = 14 is "PROC_PIDLISTFILEPORTS";
        FD_SOCKET: i32 = 3 is "PROC_PIDFDSOCKETINFO";
        FILEPORT_SOCKET: i32 = 3 is "PROC_PIDFILEPORTSOCKETINFO";
        IS_SOCKET: u32 = 2 is "PROX_FDTYPE_SOCKET";
        LISTED: usize = 8 is "sizeof(struct proc_fdinfo)";
        LISTED_TYPE: usize = 4 is "offsetof(struct proc_fdinfo, proc_fdtype)";
        PATH_ROOM: usize = 4096 is "PROC_PIDPATHINFO_MAXSIZE";
    }

    /// The same of what both systems share.
    #[cfg(test)]
    pub const SHARED: &[(&str, i128)] = &[
        ("sizeof(struct proc_fileportinfo)", LISTED as i128),
        ("offsetof(struct proc_fileportinfo, proc_fdtype)", LISTED_TYPE as i128),
        ("INI_IPV4", inet::IPV4 as i128),
        ("INI_IPV6", inet::IPV6 as i128),
        ("TSI_S_CLOSED", inet::CLOSED as i128),
        ("TSI_S_LISTEN", inet::LISTEN as i128),
        ("TSI_S_TIME_WAIT", inet::TIME_WAIT as i128),
        ("EPERM", errno::EPERM as i128),
        ("ENOENT", errno::ENOENT as i128),
        ("ESRCH", errno::ESRCH as i128),
        ("EBADF", errno::EBADF as i128),
        ("ENOMEM", errno::ENOMEM as i128),
        ("EACCES", errno::EACCES as i128),
        ("ENOTDIR", errno::ENOTDIR as i128),
        ("EINVAL", errno::EINVAL as i128),
        ("ENOTSOCK", errno::ENOTSOCK as i128),
        ("ELOOP", errno::ELOOP as i128),
        ("IFF_UP", 1),
        ("IFF_LOOPBACK", 8),
    ];
}

/// The tables of sysctl(3), `struct xinpcb64` and `struct xtcpcb64` of `<netinet/in_pcb.h>` and `<netinet/tcp_var.h>`, which
/// are packed to four bytes. These headers are not among those that the check has: here the kernel itself says whether
/// the form is this one, since each structure begins with its own length.
pub mod tables {
    /// Of `struct xinpgen`, at the beginning and the end of a table.
    pub const GENERATION: usize = 24;
    /// Its count of changes.
    pub const GENERATION_COUNT: usize = 8;
    /// Of `struct xinpcb64`.
    pub const BLOCK: usize = 260;
    pub const BLOCK_PEER_PORT: usize = 16;
    pub const BLOCK_PORT: usize = 18;
    pub const BLOCK_COUNT: usize = 76;
    pub const BLOCK_VERSIONS: usize = 92;
    pub const BLOCK_PROTOCOL: usize = 94;
    pub const BLOCK_ADDRESS: usize = 112;
    /// Of `struct xsocket64` within it, with its length first.
    pub const BLOCK_SOCKET: usize = 144;
    pub const SOCKET: usize = 108;
    pub const SOCKET_HANDLE: usize = 4;
    pub const SOCKET_QUEUE: usize = 36;
    pub const SOCKET_INCOMPLETE: usize = 38;
    pub const SOCKET_LIMIT: usize = 40;
    pub const SOCKET_RECEIVED: usize = 56;
    pub const SOCKET_UID: usize = 104;
    /// Where `struct xtcpcb64` has its block, and behind it the state.
    pub const TCP_BLOCK: usize = 4;
    pub const TCP_STATE: usize = 292;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::bsd::layout::assert_is_checked;

    #[test]
    fn the_file_of_assertions_says_the_same() {
        let all = [ASSERTED, numbers::ASSERTED, numbers::SHARED].concat();
        assert_is_checked(&all, include_str!("../../../tests/layout/macos.c"));
    }
}
