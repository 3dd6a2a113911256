//! Where FreeBSD keeps what is read, on machines with 64 bits: `<netinet/in_pcb.h>`, `<netinet/tcp_var.h>`,
//! `<sys/socketvar.h>`, `<sys/file.h>` and `<sys/user.h>`. Each structure begins with its own length, which is held against
//! the one here: another release or machine may have others.

use crate::collect::bsd::layout::layout;

layout! {
    /// Of a table, at its beginning and its end.
    GENERATION: usize = 64 is "sizeof(struct xinpgen)";
    GENERATION_COUNT: usize = 16 is "offsetof(struct xinpgen, xig_gen)";

    /// Of a row of UDP or raw sockets, and within one of TCP.
    BLOCK: usize = 400 is "sizeof(struct xinpcb)";
    BLOCK_SOCKET_LENGTH: usize = 8 is "offsetof(struct xinpcb, xi_socket.xso_len)";
    BLOCK_HANDLE: usize = 16 is "offsetof(struct xinpcb, xi_socket.xso_so)";
    BLOCK_QUEUE: usize = 112 is "offsetof(struct xinpcb, xi_socket.so_qlen)";
    BLOCK_LIMIT: usize = 120 is "offsetof(struct xinpcb, xi_socket.so_qlimit)";
    BLOCK_UID: usize = 128 is "offsetof(struct xinpcb, xi_socket.so_uid)";
    BLOCK_RECEIVED: usize = 176 is "offsetof(struct xinpcb, xi_socket.so_rcv.sb_cc)";
    BLOCK_PEER_PORT: usize = 252 is "offsetof(struct xinpcb, inp_inc.inc_ie.ie_fport)";
    BLOCK_PORT: usize = 254 is "offsetof(struct xinpcb, inp_inc.inc_ie.ie_lport)";
    BLOCK_ADDRESS: usize = 272 is "offsetof(struct xinpcb, inp_inc.inc_ie.ie_dependladdr)";
    BLOCK_COUNT: usize = 296 is "offsetof(struct xinpcb, inp_gencnt)";
    BLOCK_VERSIONS: usize = 392 is "offsetof(struct xinpcb, inp_vflag)";
    BLOCK_PROTOCOL: usize = 394 is "offsetof(struct xinpcb, inp_ip_p)";
    SOCKET: usize = 240 is "sizeof(struct xsocket)";

    /// Of a row of TCP.
    TCP: usize = 744 is "sizeof(struct xtcpcb)";
    TCP_BLOCK: usize = 8 is "offsetof(struct xtcpcb, xt_inp)";
    TCP_STATE: usize = 568 is "offsetof(struct xtcpcb, t_state)";

    /// Of an open file of any process.
    FILE: usize = 128 is "sizeof(struct xfile)";
    FILE_PID: usize = 8 is "offsetof(struct xfile, xf_pid)";
    FILE_FD: usize = 16 is "offsetof(struct xfile, xf_fd)";
    FILE_TYPE: usize = 32 is "offsetof(struct xfile, xf_type)";
    FILE_DATA: usize = 56 is "offsetof(struct xfile, xf_data)";
    IS_SOCKET: u16 = 2 is "DTYPE_SOCKET";

    /// Of a process.
    PROCESS: usize = 1088 is "sizeof(struct kinfo_proc)";
    PROCESS_PID: usize = 72 is "offsetof(struct kinfo_proc, ki_pid)";
    PROCESS_PPID: usize = 76 is "offsetof(struct kinfo_proc, ki_ppid)";
    PROCESS_UID: usize = 168 is "offsetof(struct kinfo_proc, ki_uid)";
    PROCESS_GROUPS: usize = 188 is "offsetof(struct kinfo_proc, ki_ngroups)";
    PROCESS_GROUP: usize = 192 is "offsetof(struct kinfo_proc, ki_groups)";
    PROCESS_MOST_GROUPS: usize = 16 is "KI_NGROUPS";
    PROCESS_SECONDS: usize = 336 is "offsetof(struct kinfo_proc, ki_start.tv_sec)";
    PROCESS_MICROSECONDS: usize = 344 is "offsetof(struct kinfo_proc, ki_start.tv_usec)";
    PROCESS_NAME: usize = 447 is "offsetof(struct kinfo_proc, ki_comm)";
    PROCESS_NAME_ROOM: usize = 20 is "sizeof(((struct kinfo_proc *)0)->ki_comm)";
    PROCESS_JAIL: usize = 592 is "offsetof(struct kinfo_proc, ki_jid)";

    /// Of a descriptor of a process, of which the file that it executes is one.
    TEXT: i32 = -5 is "KF_FD_TYPE_TEXT";
    TEXT_FD: usize = 8 is "offsetof(struct kinfo_file, kf_fd)";
    TEXT_LINKS: usize = 280 is "offsetof(struct kinfo_file, kf_un.kf_file.kf_file_nlink)";
    TEXT_DEVICE: usize = 288 is "offsetof(struct kinfo_file, kf_un.kf_file.kf_file_fsid)";
    TEXT_INODE: usize = 304 is "offsetof(struct kinfo_file, kf_un.kf_file.kf_file_fileid)";
    TEXT_STATUS: usize = 336 is "offsetof(struct kinfo_file, kf_status)";
    TEXT_VALID: u16 = 1 is "KF_ATTR_VALID";
    TEXT_KEPT: usize = 368 is "offsetof(struct kinfo_file, kf_path)";
}

/// The numbers by which a live system is asked.
pub mod numbers {
    use crate::collect::bsd::layout::layout;

    layout! {
        KERN: i32 = 1 is "CTL_KERN";
        PROC: i32 = 14 is "KERN_PROC";
        BY_PID: i32 = 1 is "KERN_PROC_PID";
        PATH: i32 = 12 is "KERN_PROC_PATHNAME";
        DESCRIPTORS: i32 = 33 is "KERN_PROC_FILEDESC";
        ARGUMENTS: i32 = 7 is "KERN_PROC_ARGS";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::bsd::layout::assert_is_checked;
    use crate::collect::bsd::{errno, inet};

    #[test]
    fn the_file_of_assertions_says_the_same() {
        let shared: &[(&str, i128)] = &[
            ("INP_IPV4", inet::IPV4.into()),
            ("INP_IPV6", inet::IPV6.into()),
            ("TCPS_CLOSED", inet::CLOSED.into()),
            ("TCPS_LISTEN", inet::LISTEN.into()),
            ("TCPS_TIME_WAIT", inet::TIME_WAIT.into()),
            ("EPERM", errno::EPERM.into()),
            ("ENOENT", errno::ENOENT.into()),
            ("ESRCH", errno::ESRCH.into()),
            ("EBADF", errno::EBADF.into()),
            ("ENOMEM", errno::ENOMEM.into()),
            ("EACCES", errno::EACCES.into()),
            ("ENOTDIR", errno::ENOTDIR.into()),
            ("EINVAL", errno::EINVAL.into()),
            ("ENOTSOCK", errno::ENOTSOCK.into()),
            ("ELOOP", errno::ELOOP.into()),
            ("IFF_UP", 1),
            ("IFF_LOOPBACK", 8),
        ];
        let all = [ASSERTED, numbers::ASSERTED, shared].concat();
        assert_is_checked(&all, include_str!("../../../tests/layout/freebsd.c"));
    }
}
