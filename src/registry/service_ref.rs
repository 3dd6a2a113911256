//! A service named by another entry.

use super::closed;

/// `tcp/3220 xnm-ssl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServiceRef<'a> {
    /// Index into [`closed::TRANSPORTS`], never that of `any`.
    pub(super) transport: u8,
    pub(super) port: u16,
    pub(super) name: &'a str,
}

impl<'a> ServiceRef<'a> {
    /// Reads `transport/port name`; `None` for any other text.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (place, name) = text.split_once(' ')?;
        let (transport, port) = place.split_once('/')?;
        let transport = closed::TRANSPORTS.iter().skip(1).position(|one| *one == transport)? + 1;
        let port = port.bytes().all(|b| b.is_ascii_digit()).then(|| port.parse().ok())??;
        let named = port != 0 && !name.is_empty() && !name.contains(' ');
        named.then_some(Self { transport: u8::try_from(transport).ok()?, port, name })
    }
}

#[cfg(test)]
mod tests {
    use super::ServiceRef;

    #[test]
    fn a_service_is_transport_port_and_name() {
        let want = ServiceRef { transport: 1, port: 3220, name: "xnm-ssl" };
        assert_eq!(ServiceRef::parse("tcp/3220 xnm-ssl"), Some(want));
        for text in ["tcp/3220", "tcp/0 x", "tcp/+1 x", "any/1 x", "tcp/70000 x", "tcp/1 two words", "use TLS", ""] {
            assert_eq!(ServiceRef::parse(text), None, "{text}");
        }
    }
}
