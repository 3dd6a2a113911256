/* What src/collect/macos/layout.rs says of Apple's headers; a test of that file holds the lines below to it, and
 * .ci/layouts compiles them. */
#include <errno.h>
#include <libproc.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/proc_info.h>
#include <sys/socket.h>

#define SAME(expression, value) _Static_assert((expression) == (value), #expression)

SAME(sizeof(struct proc_bsdinfo), 136);
SAME(offsetof(struct proc_bsdinfo, pbi_pid), 12);
SAME(offsetof(struct proc_bsdinfo, pbi_ppid), 16);
SAME(offsetof(struct proc_bsdinfo, pbi_uid), 20);
SAME(offsetof(struct proc_bsdinfo, pbi_comm), 48);
SAME(sizeof(((struct proc_bsdinfo *)0)->pbi_comm), 16);
SAME(offsetof(struct proc_bsdinfo, pbi_name), 64);
SAME(sizeof(((struct proc_bsdinfo *)0)->pbi_name), 32);
SAME(offsetof(struct proc_bsdinfo, pbi_start_tvsec), 120);
SAME(offsetof(struct proc_bsdinfo, pbi_start_tvusec), 128);
SAME(sizeof(struct socket_fdinfo), 792);
SAME(offsetof(struct socket_fdinfo, psi.soi_so), 160);
SAME(offsetof(struct socket_fdinfo, psi.soi_type), 176);
SAME(offsetof(struct socket_fdinfo, psi.soi_protocol), 180);
SAME(offsetof(struct socket_fdinfo, psi.soi_family), 184);
SAME(offsetof(struct socket_fdinfo, psi.soi_options), 188);
SAME(offsetof(struct socket_fdinfo, psi.soi_qlen), 194);
SAME(offsetof(struct socket_fdinfo, psi.soi_incqlen), 196);
SAME(offsetof(struct socket_fdinfo, psi.soi_qlimit), 198);
SAME(offsetof(struct socket_fdinfo, psi.soi_rcv.sbi_cc), 208);
SAME(offsetof(struct socket_fdinfo, psi.soi_kind), 256);
SAME(offsetof(struct socket_fdinfo, psi.soi_proto.pri_in.insi_fport), 264);
SAME(offsetof(struct socket_fdinfo, psi.soi_proto.pri_in.insi_lport), 268);
SAME(offsetof(struct socket_fdinfo, psi.soi_proto.pri_in.insi_vflag), 288);
SAME(offsetof(struct socket_fdinfo, psi.soi_proto.pri_in.insi_laddr), 312);
SAME(offsetof(struct socket_fdinfo, psi.soi_proto.pri_tcp.tcpsi_state), 344);
SAME(offsetof(struct socket_fdinfo, psi.soi_proto.pri_un.unsi_conn_pcb), 272);
SAME(offsetof(struct socket_fdinfo, psi.soi_proto.pri_un.unsi_addr.ua_sun.sun_len), 280);
SAME(offsetof(struct socket_fdinfo, psi.soi_proto.pri_un.unsi_addr.ua_sun.sun_path), 282);
SAME(sizeof(((struct un_sockinfo *)0)->unsi_addr), 255);
SAME(offsetof(struct socket_fdinfo, psi.soi_proto.pri_vsock.local_cid), 264);
SAME(offsetof(struct socket_fdinfo, psi.soi_proto.pri_vsock.local_port), 268);
SAME(sizeof(struct proc_regionwithpathinfo), 1272);
SAME(offsetof(struct proc_regionwithpathinfo, prp_vip.vip_path), 248);
SAME(offsetof(struct proc_regionwithpathinfo, prp_prinfo.pri_address), 80);
SAME(offsetof(struct proc_regionwithpathinfo, prp_prinfo.pri_size), 88);
SAME(offsetof(struct proc_regionwithpathinfo, prp_vip.vip_vi.vi_stat.vst_dev), 96);
SAME(offsetof(struct proc_regionwithpathinfo, prp_vip.vip_vi.vi_stat.vst_nlink), 102);
SAME(offsetof(struct proc_regionwithpathinfo, prp_vip.vip_vi.vi_stat.vst_ino), 104);
SAME(SOCKINFO_IN, 1);
SAME(SOCKINFO_TCP, 2);
SAME(SOCKINFO_UN, 3);
SAME(SOCKINFO_VSOCK, 7);
SAME(SOCK_STREAM, 1);
SAME(SOCK_DGRAM, 2);
SAME(IPPROTO_UDP, 17);
SAME(SO_ACCEPTCONN, 2);
SAME(PROC_ALL_PIDS, 1);
SAME(PROC_PIDLISTFDS, 1);
SAME(PROC_PIDTBSDINFO, 3);
SAME(PROC_PIDREGIONPATHINFO, 8);
SAME(PROC_PIDLISTFILEPORTS, 14);
SAME(PROC_PIDFDSOCKETINFO, 3);
SAME(PROC_PIDFILEPORTSOCKETINFO, 3);
SAME(PROX_FDTYPE_SOCKET, 2);
SAME(sizeof(struct proc_fdinfo), 8);
SAME(offsetof(struct proc_fdinfo, proc_fdtype), 4);
SAME(PROC_PIDPATHINFO_MAXSIZE, 4096);
SAME(sizeof(struct proc_fileportinfo), 8);
SAME(offsetof(struct proc_fileportinfo, proc_fdtype), 4);
SAME(INI_IPV4, 1);
SAME(INI_IPV6, 2);
SAME(TSI_S_CLOSED, 0);
SAME(TSI_S_LISTEN, 1);
SAME(TSI_S_TIME_WAIT, 10);
SAME(EPERM, 1);
SAME(ENOENT, 2);
SAME(ESRCH, 3);
SAME(EBADF, 9);
SAME(ENOMEM, 12);
SAME(EACCES, 13);
SAME(ENOTDIR, 20);
SAME(EINVAL, 22);
SAME(ENOTSOCK, 38);
SAME(ELOOP, 62);
SAME(IFF_UP, 1);
SAME(IFF_LOOPBACK, 8);
