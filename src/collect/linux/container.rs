//! The container that a cgroup path leads through, by the places that the runtimes themselves make.
//!
//! A user may make cgroups of any name below his own (`user@1000.service/…`): what looks like a container there is his
//! claim and no evidence. So a container counts only where its runtime, which runs as root, puts it:
//!
//! | runtime | cgroup driver systemd | cgroup driver cgroupfs |
//! |---|---|---|
//! | Docker | `/system.slice/docker-ID.scope` | `/docker/ID` |
//! | containerd, by nerdctl | `/system.slice/nerdctl-ID.scope` | `/default/ID`, which any name could be: not told |
//! | Kubernetes | `/kubepods.slice/…-podUID.slice/RUNTIME-ID.scope` | `/kubepods/…/podUID/ID` |
//! | Podman | `/machine.slice/libpod-ID.scope` | `/libpod_parent/libpod-ID` |
//! | LXC, LXD, Incus | `/lxc.payload.NAME` | `/lxc/NAME` |
//! | systemd-nspawn | `/machine.slice/systemd-nspawn@NAME.service`, `/machine.slice/machine-NAME.scope` | |

use crate::model::Container;

/// The container at a cgroup path.
pub fn container(path: &[u8]) -> Option<Container> {
    let text = std::str::from_utf8(path).ok()?;
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
    match parts[..] {
        ["system.slice" | "docker.slice", scope, ..] => of_scope(scope, None),
        ["docker", id, ..] => of_id("docker", id, None),
        ["machine.slice", scope, ..] => of_scope(scope, None).or_else(|| of_machine(scope)),
        ["libpod_parent", scope, ..] => of_scope(scope, None),
        [first, ..] if first.starts_with("lxc.payload.") => named("lxc", &first["lxc.payload.".len()..]),
        ["lxc" | "lxc.payload", name, ..] => named("lxc", name),
        // A kubelet inside a node's container (kind, k3d) has its own root below that container's.
        _ => pod(&parts),
    }
}

/// A container of a pod: the pod's own component, then the container's.
fn pod(parts: &[&str]) -> Option<Container> {
    if !matches!(*parts.first()?, "kubepods.slice" | "kubepods" | "kubelet.slice" | "kubelet") {
        return None;
    }
    let at = parts.iter().position(|part| pod_uid(part).is_some())?;
    let uid = pod_uid(parts[at]);
    let inner = parts.get(at + 1)?;
    of_scope(inner, uid.clone()).or_else(|| of_id("kubernetes", inner, uid))
}

/// The uid in `kubepods-burstable-podUID.slice`, where systemd wants `_` for `-`, or in `podUID`.
fn pod_uid(part: &str) -> Option<String> {
    let stem = part.strip_suffix(".slice").unwrap_or(part);
    let uid = match stem.rfind("-pod") {
        Some(at) if stem.starts_with("kube") => stem[at + 4..].replace('_', "-"),
        _ => stem.strip_prefix("pod")?.to_owned(),
    };
    let is_uid = uid.len() >= 32 && uid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_uid.then_some(uid)
}

/// `RUNTIME-ID.scope`.
fn of_scope(scope: &str, pod: Option<String>) -> Option<Container> {
    let stem = scope.strip_suffix(".scope").unwrap_or(scope);
    let (runtime, id) = stem.rsplit_once('-')?;
    let runtime = match runtime {
        "docker" => "docker",
        "cri-containerd" | "nerdctl" => "containerd",
        "crio" => "cri-o",
        "libpod" => "podman",
        _ => return None,
    };
    of_id(runtime, id, pod)
}

/// An id of 64 hexadecimal digits, as every OCI runtime gives.
fn of_id(runtime: &'static str, id: &str, pod: Option<String>) -> Option<Container> {
    let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| Container { runtime, id: id.into(), pod: pod.map(|uid| uid.as_str().into()) })
}

/// `systemd-nspawn@NAME.service` or `machine-NAME.scope`, where systemd escapes a dash as `\x2d`.
fn of_machine(unit: &str) -> Option<Container> {
    let name = match unit.strip_prefix("systemd-nspawn@") {
        Some(rest) => rest.strip_suffix(".service")?,
        None => unit.strip_prefix("machine-")?.strip_suffix(".scope")?,
    };
    named("nspawn", &name.replace("\\x2d", "-"))
}

fn named(runtime: &'static str, name: &str) -> Option<Container> {
    (!name.is_empty()).then(|| Container { runtime, id: name.into(), pod: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const UID: &str = "2f1a0c1e-7d2b-4f66-9a3c-0d6e5b4c3a21";

    fn told(path: &str) -> Option<(&'static str, String, Option<String>)> {
        let container = container(path.replace("ID", ID).as_bytes())?;
        Some((container.runtime, container.id.escaped(), container.pod.map(|pod| pod.escaped())))
    }

    #[test]
    fn each_runtime_at_its_own_place() {
        let uid = Some(UID.to_owned());
        let under = UID.replace('-', "_");
        let cases = [
            ("/system.slice/docker-ID.scope".to_owned(), "docker", None),
            ("/docker/ID".to_owned(), "docker", None),
            ("/docker/ID/init".to_owned(), "docker", None),
            ("/system.slice/nerdctl-ID.scope".to_owned(), "containerd", None),
            ("/machine.slice/libpod-ID.scope/container".to_owned(), "podman", None),
            ("/libpod_parent/libpod-ID".to_owned(), "podman", None),
            (
                format!(
                    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{under}.slice/cri-containerd-ID.scope"
                ),
                "containerd",
                uid.clone(),
            ),
            (format!("/kubepods.slice/kubepods-pod{under}.slice/crio-ID.scope"), "cri-o", uid.clone()),
            (format!("/kubepods/besteffort/pod{UID}/ID"), "kubernetes", uid),
        ];
        for (path, runtime, pod) in cases {
            assert_eq!(told(&path), Some((runtime, ID.to_owned(), pod)), "{path}");
        }
        assert_eq!(told("/lxc.payload.web/system.slice/ssh.service"), Some(("lxc", "web".into(), None)));
        assert_eq!(told("/lxc/web"), Some(("lxc", "web".into(), None)));
        assert_eq!(told("/machine.slice/systemd-nspawn@web.service/payload"), Some(("nspawn", "web".into(), None)));
        assert_eq!(told("/machine.slice/machine-a\\x2db.scope"), Some(("nspawn", "a-b".into(), None)));
    }

    #[test]
    fn what_a_user_makes_is_no_container() {
        for path in [
            "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope",
            "/user.slice/user-1000.slice/user@1000.service/docker-ID.scope",
            "/system.slice/ssh.service",
            "/system.slice/ssh.service/docker/ID",
            "/system.slice/docker-short.scope",
            "/system.slice/docker.service",
            "/kubepods/besteffort/podnot-a-uid/ID",
            "/",
            "",
        ] {
            assert_eq!(told(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_path_is_read_without_panic(path in proptest::collection::vec(any::<u8>(), 0..200)) {
            container(&path);
        }
    }
}
