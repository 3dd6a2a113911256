/* What src/collect/freebsd/layout.rs says of FreeBSD's headers; a test of that file holds the lines below to it, and
 * .ci/layouts compiles them. */
#include <sys/param.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/socketvar.h>
#include <sys/sysctl.h>
#include <sys/user.h>
#define _WANT_FILE
#include <sys/file.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/in_pcb.h>
#include <netinet/tcp.h>
#include <netinet/tcp_fsm.h>
#include <netinet/tcp_var.h>
#include <stddef.h>

#define SAME(expression, value) _Static_assert((expression) == (value), #expression)

SAME(sizeof(struct xinpgen), 64);
SAME(offsetof(struct xinpgen, xig_gen), 16);
SAME(sizeof(struct xinpcb), 400);
SAME(offsetof(struct xinpcb, xi_socket.xso_len), 8);
SAME(offsetof(struct xinpcb, xi_socket.xso_so), 16);
SAME(offsetof(struct xinpcb, xi_socket.so_qlen), 112);
SAME(offsetof(struct xinpcb, xi_socket.so_qlimit), 120);
SAME(offsetof(struct xinpcb, xi_socket.so_uid), 128);
SAME(offsetof(struct xinpcb, xi_socket.so_rcv.sb_cc), 176);
SAME(offsetof(struct xinpcb, inp_inc.inc_ie.ie_fport), 252);
SAME(offsetof(struct xinpcb, inp_inc.inc_ie.ie_lport), 254);
SAME(offsetof(struct xinpcb, inp_inc.inc_ie.ie_dependladdr), 272);
SAME(offsetof(struct xinpcb, inp_gencnt), 296);
SAME(offsetof(struct xinpcb, inp_vflag), 392);
SAME(offsetof(struct xinpcb, inp_ip_p), 394);
SAME(sizeof(struct xsocket), 240);
SAME(sizeof(struct xtcpcb), 744);
SAME(offsetof(struct xtcpcb, xt_inp), 8);
SAME(offsetof(struct xtcpcb, t_state), 568);
SAME(sizeof(struct xfile), 128);
SAME(offsetof(struct xfile, xf_pid), 8);
SAME(offsetof(struct xfile, xf_fd), 16);
SAME(offsetof(struct xfile, xf_type), 32);
SAME(offsetof(struct xfile, xf_data), 56);
SAME(DTYPE_SOCKET, 2);
SAME(sizeof(struct kinfo_proc), 1088);
SAME(offsetof(struct kinfo_proc, ki_pid), 72);
SAME(offsetof(struct kinfo_proc, ki_ppid), 76);
SAME(offsetof(struct kinfo_proc, ki_uid), 168);
SAME(offsetof(struct kinfo_proc, ki_ngroups), 188);
SAME(offsetof(struct kinfo_proc, ki_groups), 192);
SAME(KI_NGROUPS, 16);
SAME(offsetof(struct kinfo_proc, ki_start.tv_sec), 336);
SAME(offsetof(struct kinfo_proc, ki_start.tv_usec), 344);
SAME(offsetof(struct kinfo_proc, ki_comm), 447);
SAME(sizeof(((struct kinfo_proc *)0)->ki_comm), 20);
SAME(offsetof(struct kinfo_proc, ki_jid), 592);
SAME(KF_FD_TYPE_TEXT, -5);
SAME(offsetof(struct kinfo_file, kf_fd), 8);
SAME(offsetof(struct kinfo_file, kf_un.kf_file.kf_file_nlink), 280);
SAME(offsetof(struct kinfo_file, kf_un.kf_file.kf_file_fsid), 288);
SAME(offsetof(struct kinfo_file, kf_un.kf_file.kf_file_fileid), 304);
SAME(offsetof(struct kinfo_file, kf_status), 336);
SAME(KF_ATTR_VALID, 1);
SAME(offsetof(struct kinfo_file, kf_path), 368);
SAME(CTL_KERN, 1);
SAME(KERN_PROC, 14);
SAME(KERN_PROC_PID, 1);
SAME(KERN_PROC_PATHNAME, 12);
SAME(KERN_PROC_FILEDESC, 33);
SAME(KERN_PROC_ARGS, 7);
SAME(INP_IPV4, 1);
SAME(INP_IPV6, 2);
SAME(TCPS_CLOSED, 0);
SAME(TCPS_LISTEN, 1);
SAME(TCPS_TIME_WAIT, 10);
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
