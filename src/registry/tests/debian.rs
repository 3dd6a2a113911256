//! The daemons of a Debian server, by the names that their executables have once links are followed.

use crate::model::{Severity, Transport};

use super::super::{OwnerEvidence, Registry, Verdict, WeaknessClass};

fn confirmed(transport: Transport, port: u16, exe: &str) -> Result<&'static str, Verdict> {
    let owner = OwnerEvidence { exe: exe.as_bytes(), verified: true, writable: false };
    match Registry::builtin().claim(transport, port, &[owner]) {
        Some(claim) if claim.verdict == Verdict::Confirmed => Ok(claim.entry.name()),
        Some(claim) => Err(claim.verdict),
        None => Err(Verdict::Open),
    }
}

#[test]
fn their_executables_confirm_their_ports() {
    const T: Transport = Transport::Tcp;
    const U: Transport = Transport::Udp;
    let mut wrong = Vec::new();
    for (transport, port, exe, name) in [
        (T, 21, "/usr/sbin/vsftpd", "ftp"),
        (T, 21, "/usr/sbin/proftpd", "ftp"),
        (T, 22, "/usr/sbin/sshd", "ssh"),
        (T, 22, "/usr/sbin/dropbear", "ssh"),
        (T, 25, "/usr/lib/postfix/sbin/master", "smtp"),
        (T, 25, "/usr/sbin/exim4", "smtp"),
        (T, 465, "/usr/lib/postfix/sbin/master", "submissions"),
        (T, 587, "/usr/lib/postfix/sbin/master", "submission"),
        (T, 53, "/usr/sbin/named", "domain"),
        (U, 53, "/usr/sbin/unbound", "domain"),
        (U, 53, "/usr/lib/systemd/systemd-resolved", "domain"),
        (U, 53, "/usr/sbin/dnsmasq", "domain"),
        (T, 953, "/usr/sbin/named", "rndc"),
        (U, 67, "/usr/sbin/dnsmasq", "bootps"),
        (U, 68, "/usr/sbin/dhclient", "bootpc"),
        (U, 68, "/usr/lib/systemd/systemd-networkd", "bootpc"),
        (U, 69, "/usr/sbin/in.tftpd", "tftp"),
        (T, 80, "/usr/sbin/nginx", "http"),
        (T, 80, "/usr/sbin/apache2", "http"),
        (T, 443, "/usr/sbin/nginx", "https"),
        (T, 443, "/usr/sbin/apache2", "https"),
        (T, 88, "/usr/sbin/krb5kdc", "kerberos"),
        (T, 110, "/usr/sbin/dovecot", "pop3"),
        (T, 111, "/usr/sbin/rpcbind", "sunrpc"),
        (U, 111, "/usr/sbin/rpcbind", "sunrpc"),
        (U, 123, "/usr/sbin/chronyd", "ntp"),
        (U, 123, "/usr/sbin/ntpd", "ntp"),
        (U, 323, "/usr/sbin/chronyd", "chrony-cmd"),
        (U, 137, "/usr/sbin/nmbd", "netbios-ns"),
        (T, 139, "/usr/sbin/smbd", "netbios-ssn"),
        (T, 445, "/usr/sbin/smbd", "microsoft-ds"),
        (T, 143, "/usr/sbin/dovecot", "imap"),
        (T, 993, "/usr/sbin/dovecot", "imaps"),
        (T, 4190, "/usr/sbin/dovecot", "sieve"),
        (U, 161, "/usr/sbin/snmpd", "snmp"),
        (T, 389, "/usr/sbin/slapd", "ldap"),
        (T, 636, "/usr/sbin/slapd", "ldaps"),
        (U, 500, "/usr/lib/ipsec/charon", "isakmp"),
        (U, 514, "/usr/sbin/rsyslogd", "syslog"),
        (T, 631, "/usr/sbin/cupsd", "ipp"),
        (T, 873, "/usr/bin/rsync", "rsync"),
        (U, 1194, "/usr/sbin/openvpn", "openvpn"),
        (T, 1883, "/usr/sbin/mosquitto", "mqtt"),
        (T, 2375, "/usr/sbin/dockerd", "docker"),
        (T, 2379, "/usr/bin/etcd", "etcd-client"),
        (T, 2380, "/usr/bin/etcd", "etcd-server"),
        (T, 3000, "/usr/share/grafana/bin/grafana", "grafana"),
        (T, 3128, "/usr/sbin/squid", "squid"),
        (T, 3306, "/usr/sbin/mariadbd", "mysql"),
        (T, 3306, "/usr/sbin/mysqld", "mysql"),
        (T, 3310, "/usr/sbin/clamd", "clamd"),
        (T, 3389, "/usr/sbin/xrdp", "ms-wbt-server"),
        (T, 5432, "/usr/lib/postgresql/15/bin/postgres", "postgresql"),
        (U, 5353, "/usr/sbin/avahi-daemon", "mdns"),
        (U, 5355, "/usr/lib/systemd/systemd-resolved", "llmnr"),
        (T, 5666, "/usr/sbin/nrpe", "nrpe"),
        (T, 6081, "/usr/sbin/varnishd", "varnish"),
        (T, 6379, "/usr/bin/redis-check-rdb", "redis"),
        (T, 26_379, "/usr/bin/redis-check-rdb", "redis-sentinel"),
        (T, 8123, "/usr/bin/clickhouse", "clickhouse-http"),
        (T, 9000, "/usr/bin/clickhouse", "clickhouse-native"),
        (T, 9090, "/usr/bin/prometheus", "prometheus"),
        (T, 9093, "/usr/bin/prometheus-alertmanager", "alertmanager"),
        (T, 9100, "/usr/bin/prometheus-node-exporter", "node-exporter"),
        (T, 9091, "/usr/bin/transmission-daemon", "transmission-rpc"),
        (T, 10_050, "/usr/sbin/zabbix_agentd", "zabbix-agent"),
        (T, 10_250, "/usr/bin/kubelet", "kubelet-api"),
        (T, 11_211, "/usr/bin/memcached", "memcache"),
        (T, 27_017, "/usr/bin/mongod", "mongodb"),
        (T, 4369, "/usr/lib/erlang/erts-13.1.5/bin/epmd", "epmd"),
    ] {
        let got = confirmed(transport, port, exe);
        if got != Ok(name) {
            wrong.push(format!("{}/{port} {exe}: {got:?}, want {name}", transport.name()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_plain_server_has_nothing_above_low() {
    const T: Transport = Transport::Tcp;
    const U: Transport = Transport::Udp;
    for (transport, port, exe, public) in [
        (T, 22, "/usr/sbin/sshd", true),
        (T, 80, "/usr/sbin/nginx", true),
        (T, 80, "/usr/sbin/apache2", true),
        (T, 443, "/usr/sbin/nginx", true),
        (U, 123, "/usr/sbin/chronyd", true),
        (U, 323, "/usr/sbin/chronyd", false),
        (T, 25, "/usr/lib/postfix/sbin/master", false),
        (T, 6379, "/usr/bin/redis-check-rdb", false),
        (T, 5432, "/usr/lib/postgresql/15/bin/postgres", false),
        (T, 53, "/usr/sbin/unbound", false),
        (U, 53, "/usr/sbin/named", false),
        (T, 631, "/usr/sbin/cupsd", false),
    ] {
        let owner = OwnerEvidence { exe: exe.as_bytes(), verified: true, writable: false };
        let claim = Registry::builtin().claim(transport, port, &[owner]).expect("known");
        let level = claim.entry.weakness().map(|weakness| if public { weakness.public } else { weakness.loopback });
        assert!(level <= Some(Severity::Low), "{:?} {level:?}", claim.entry);
    }
    let redis = Registry::builtin().candidates(T, 6379)[0].weakness().expect("it asks for no password");
    assert_eq!((redis.class, redis.public), (WeaknessClass::UnauthenticatedControl, Severity::Critical));
}
