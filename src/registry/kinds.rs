//! The closed values of an entry as types.

use super::closed;

/// An enum whose variants stand in the order of a closed list and have its names.
macro_rules! closed_enum {
    ($(#[$doc:meta])* $name:ident of $list:ident { $($(#[$variant_doc:meta])* $variant:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: [Self; closed::$list.len()] = [$(Self::$variant),+];

            /// The name in the registry file and in reports.
            pub const fn name(self) -> &'static str {
                closed::$list[self as usize]
            }

            pub(super) fn at(index: u8) -> Option<Self> {
                Self::ALL.get(usize::from(index)).copied()
            }
        }
    };
}

closed_enum! {
    /// Where the use of a port is written down.
    EntrySource of SOURCES {
        /// IANA assigns it.
        Iana,
        /// Nobody assigned it, and it is common.
        Defacto,
        /// A vendor's documentation.
        Vendor,
        /// An overlay of this host.
        User,
    }
}

closed_enum! {
    /// How a protocol protects what it carries, by its own default.
    Security of SECURITY {
        /// Not at all.
        Cleartext,
        /// TLS from the first byte.
        Tls,
        /// SSH.
        Ssh,
        /// DTLS.
        Dtls,
        /// QUIC.
        Quic,
        /// Encrypted where both ends offer it (STARTTLS).
        Opportunistic,
        /// It can be encrypted on the same port, and is not by default.
        Optional,
        /// A protocol's own encryption, of any quality.
        OwnCrypto,
        /// Differs by product.
        Varies,
        /// There is nothing to protect.
        NotApplicable,
    }
}

impl Security {
    /// True where everything is readable by design.
    pub const fn is_cleartext(self) -> bool {
        matches!(self, Self::Cleartext)
    }
}

closed_enum! {
    /// The widest exposure that a service is made for.
    Exposure of EXPOSURES {
        /// The host itself.
        Loopback,
        /// A network for management.
        Management,
        /// The local network.
        Lan,
        /// Everybody.
        Public,
    }
}

closed_enum! {
    /// What is weak about a service.
    WeaknessClass of CLASSES {
        /// Whoever reaches it controls it.
        UnauthenticatedControl,
        /// It sends passwords that can be read.
        CleartextCredentials,
        /// It encrypts in a way that is broken.
        WeakOrObsoleteCrypto,
        /// It tells what should be private.
        CleartextDisclosure,
        /// It depends on what the port is used for.
        Conditional,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Severity;

    #[test]
    fn variants_stand_in_the_order_of_their_lists() {
        assert_eq!(EntrySource::User.name(), "user");
        assert_eq!(Security::Cleartext.name(), "cleartext");
        assert_eq!(Security::Optional.name(), "optional");
        assert_eq!(Security::OwnCrypto.name(), "own-crypto");
        assert_eq!(Security::NotApplicable.name(), "n/a");
        assert_eq!(Exposure::Management.name(), "management");
        assert_eq!(Exposure::Public.name(), "public");
        assert_eq!(WeaknessClass::UnauthenticatedControl.name(), "unauthenticated-control");
        assert_eq!(WeaknessClass::WeakOrObsoleteCrypto.name(), "weak-or-obsolete-crypto");
        assert_eq!(WeaknessClass::Conditional.name(), "conditional");
        assert_eq!(Severity::ALL.map(Severity::name), closed::SEVERITIES);
    }
}
