//! What stands below the flags in `--help`.

/// How to look for something, and how a run ends.
pub(super) const AFTER_HELP: &str = "\
Queries:
  3220  :3220  3000-3999  22,80  tcp/3220  :ssh        ports
  10.0.0.5:22  '[::]:22'  '*:22'  tcp/0.0.0.0:3221     ports with an address
  10.0.0.5  10.0.0.0/8  fe80::/10  '*'                 addresses that sockets are bound to
  ssh  nginx  www-data  ssh.service  'python*'         services, processes, users, units, containers
  pid:  user:  uid:  unit:  exe:  container:  netns:   one kind alone
  service:  rule:  scope:loopback  'severity:>=high'   and what was found
  Words of one kind are alternatives, kinds narrow each other: `earmark 22 80 nginx`.
  The filters of ss (`sport = :3220`) and the addresses of lsof (`-iTCP:3220 -sTCP:LISTEN`) are read as written.
  `earmark list WORD` reaches a word that is also a verb.

Exit codes:
  0  answered; with a query: something matched
  1  with a query: nothing matched, and everything that could hold a match was read; with diff: different
  2  critical: only `audit` and `policy test` end so
  3  could not tell: the command line was wrong, something could not be read, or the time was over";

/// What a redacted capture lacks.
pub(super) const AFTER_CAPTURE: &str = "\
What --redact replaces, the same name by the same everywhere:
  user-1, host-1     users but root with their homes, the hostname
  198.51.100.1       addresses, by others of the same class that share prefixes as before; wildcards and loopback stay
  program-1, unit-1  programs, units, packages and parts of paths that neither the registry nor a rule knows
  instance-1 …       instances of units, ids of containers and pods, names of devices and namespaces, unix sockets
  (redacted)         command lines; ids of the host and its boot become zeroes
Ports, error numbers, process ids, inodes and the ids of system users stay, and so does what every system has, such as
/usr, /tmp and /home. Rules and severities come out the same. Look it through before you pass it on.";

/// What a difference is, and how a comparison ends.
pub(super) const AFTER_DIFF: &str = "\
A difference is a listener that is new or gone, one that another program, user, unit or container holds, and one of the
same owner that can be reached from further away, from less far, or at another address. Restarts, new process ids, the
number and order of workers, and the numbers of ephemeral ports are none; -v tells what was restarted.
What one of the two could not see is not claimed and told as not compared. Compare whole reports: one that a query or -N
has narrowed says nothing of the rest.

Exit codes:
  0  the same
  1  different
  3  not comparable: nothing differs in what both could see, and one of them could not see all that the other saw";

/// Where the policy is from, and how an audit ends.
pub(super) const AFTER_AUDIT: &str = "\
The policy is read from /usr/lib/earmark/policy.d, /etc/earmark/policy.d, the directory of the role in
/etc/earmark/roles, and the file of --policy, in this order; a file masks its namesake of an earlier policy.d. Without
any, the registry alone judges. Where root or a run with capabilities judges its own host, files and directories have
to be root's and writable by nobody else.

With --cron what the run saw is remembered once it was delivered, in the STATE_DIRECTORY of a systemd unit, root's
/var/lib/earmark, or $XDG_STATE_HOME/earmark (~/.local/state/earmark); only then is anything of it known next time.

Exit codes:
  0  nothing at or above warn_at (medium where the policy says nothing)
  1  something at or above warn_at
  2  something at or above critical_at (high)
  3  could not tell: the policy is broken, or what require_coverage names could not be seen (tcp, udp and owners)";

/// What `baseline` changes, and how its comparison ends.
pub(super) const AFTER_BASELINE: &str = "\
`record` prints expectations for review and changes nothing. `accept` and `prune` change /etc/earmark/policy.d/90-local.toml
alone, which they write as a whole and only if the policy stays readable.

Exit codes of `diff`: 0 the host is as the policy expects, 1 it is not, 3 could not tell.";
