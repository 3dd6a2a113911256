//! Who may change a file of Windows, by its security descriptor.

/// What a security descriptor protects, seen from a file whose content somebody relies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protected {
    /// The file.
    File,
    /// The directory that it lies in: whoever adds a file there may add a library that it loads.
    Directory,
    /// A directory above that one: whoever may rename or delete what lies in it may put another in its place.
    Above,
}

/// Access rights, as [MS-DTYP] 2.4.3 and the files and directories of Windows have them.
const WRITE_DATA: u32 = 0x2;
const APPEND_DATA: u32 = 0x4;
const DELETE_CHILD: u32 = 0x40;
const DELETE: u32 = 0x1_0000;
const WRITE_DAC: u32 = 0x4_0000;
const WRITE_OWNER: u32 = 0x8_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;
const GENERIC_ALL: u32 = 0x1000_0000;

/// Rights by their two letters, [MS-DTYP] 2.5.1.1.
const RIGHTS: [(&str, u32); 21] = [
    ("GA", GENERIC_ALL),
    ("GR", 0x8000_0000),
    ("GW", GENERIC_WRITE),
    ("GX", 0x2000_0000),
    ("RC", 0x2_0000),
    ("SD", DELETE),
    ("WD", WRITE_DAC),
    ("WO", WRITE_OWNER),
    ("FA", 0x1f_01ff),
    ("FR", 0x12_0089),
    ("FW", 0x12_0116),
    ("FX", 0x12_00a0),
    ("CC", 0x1),
    ("DC", 0x2),
    ("LC", 0x4),
    ("SW", 0x8),
    ("RP", 0x10),
    ("WP", 0x20),
    ("DT", 0x40),
    ("LO", 0x80),
    ("CR", 0x100),
];

/// Who may change everything anyway: the system, administrators, the service that installs updates, and the administrator
/// of this host by name.
const TRUSTED: [&str; 6] =
    ["SY", "S-1-5-18", "BA", "S-1-5-32-544", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464", "LA"];

/// Those that stand for the creator or the owner, who is looked at by himself.
const OWNERS: [&str; 4] = ["CO", "S-1-3-0", "OW", "S-1-3-4"];

impl Protected {
    /// The rights that open it.
    const fn rights(self) -> u32 {
        let always = DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_ALL;
        match self {
            Self::File => always | WRITE_DATA | APPEND_DATA | GENERIC_WRITE,
            Self::Directory => always | WRITE_DATA | DELETE_CHILD | GENERIC_WRITE,
            // Below the root of a disk anybody may make directories.
            Self::Above => always | DELETE_CHILD,
        }
    }
}

/// True where others than the system and its administrators may change what a descriptor protects; `None` where its text,
/// in the Security Descriptor Definition Language with owner and DACL, is not understood. An entry that denies is
/// not weighed against one that allows.
pub fn others_may_change(sddl: &str, what: Protected) -> Option<bool> {
    let (owner, rest) = sid_until(sddl.strip_prefix("O:")?, &["G:", "D:"])?;
    let dacl = match rest.strip_prefix("G:") {
        Some(group) => sid_until(group, &["D:"]).map_or("", |(_, dacl)| dacl),
        None => rest,
    };
    if !TRUSTED.contains(&owner) {
        return Some(true);
    }
    // Without a list everybody may do everything.
    let Some(dacl) = dacl.strip_prefix("D:") else { return Some(true) };
    if dacl.starts_with("NO_ACCESS_CONTROL") {
        return Some(true);
    }
    let mut rest = dacl.find('(').map_or("", |at| &dacl[at..]);
    let mut open = false;
    while !rest.is_empty() {
        let (entry, after) = entry(rest)?;
        rest = after;
        let mut fields = entry.splitn(6, ';');
        let (kind, flags, rights) = (fields.next()?, fields.next()?, fields.next()?);
        let trustee = fields.nth(2)?.split(';').next()?;
        let allows = match kind {
            "A" | "XA" | "OA" | "ZA" => true,
            "D" | "XD" | "OD" => false,
            _ => return None,
        };
        let mut flags = flags.as_bytes().chunks(2);
        let inherit_only = flags.any(|flag| flag == b"IO");
        let rights = mask(rights)?;
        let is_other = !TRUSTED.contains(&trustee) && !OWNERS.contains(&trustee);
        open |= allows && !inherit_only && is_other && rights & what.rights() != 0;
    }
    Some(open)
}

/// A SID, or two letters for one, and what begins with one of these marks behind it.
fn sid_until<'a>(text: &'a str, marks: &[&str]) -> Option<(&'a str, &'a str)> {
    let at = marks.iter().filter_map(|mark| text.find(mark)).min()?;
    Some((&text[..at], &text[at..]))
}

/// What stands in the parentheses at the beginning, which may hold others, and what follows.
fn entry(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0u32;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return (at > 0).then(|| (&text[1..at], &text[at + 1..]));
        }
    }
    None
}

fn mask(rights: &str) -> Option<u32> {
    if let Some(hex) = rights.strip_prefix("0x") {
        return u32::from_str_radix(hex, 16).ok();
    }
    let mut mask = 0;
    let mut rest = rights;
    while !rest.is_empty() {
        let word = rest.get(..2)?;
        mask |= RIGHTS.iter().find(|(name, _)| *name == word)?.1;
        rest = &rest[2..];
    }
    Some(mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";

    #[test]
    fn what_windows_installs_is_closed_and_what_users_have_is_open() {
        use Protected::{Above, Directory, File};
        let system = format!(
            "O:{INSTALLER}G:{INSTALLER}D:PAI(A;;0x1200a9;;;SY)(A;;0x1200a9;;;BA)(A;;0x1200a9;;;BU)(A;;FA;;;{INSTALLER})(A;;0x1200a9;;;AC)"
        );
        let root = "O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)\
                    (A;OICI;0x1200a9;;;BU)(A;CI;LC;;;BU)(A;CIIO;DC;;;BU)(A;OICIIO;GA;;;CO)";
        let home =
            "O:S-1-5-21-1-2-3-1001G:S-1-5-21-1-2-3-513D:(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;FA;;;S-1-5-21-1-2-3-1001)";
        let cases = [
            (system.as_str(), File, Some(false)),
            (system.as_str(), Directory, Some(false)),
            (root, Above, Some(false)),
            (root, Directory, Some(false)),
            (home, File, Some(true)),
            ("O:BAG:SYD:(A;;FA;;;SY)(A;;0x1301bf;;;AU)", File, Some(true)),
            ("O:BAG:SYD:(A;;FA;;;SY)(A;;0x1301bf;;;AU)", Above, Some(true)),
            ("O:BAG:SYD:(A;;FA;;;SY)(A;;FW;;;WD)", File, Some(true)),
            ("O:BAG:SYD:(A;;FA;;;SY)(A;;DC;;;WD)", Directory, Some(true)),
            ("O:BAG:SYD:(A;;FA;;;SY)(A;;DC;;;WD)", Above, Some(false)),
            ("O:BAG:SYD:(A;OICIIO;GA;;;WD)", Directory, Some(false)),
            ("O:BAG:SYD:(D;;FA;;;WD)(XA;;FA;;;BU;(WIN://X == (1)))", File, Some(true)),
            ("O:BAG:DGD:NO_ACCESS_CONTROL", File, Some(true)),
            ("O:BAG:SY", File, Some(true)),
            ("O:BAD:", File, Some(false)),
            ("O:BUD:", File, Some(true)),
            ("O:BAD:(A;;QQ;;;WD)", File, None),
            ("O:BAD:(ZZ;;FA;;;WD)", File, None),
            ("O:BAD:(A;;FA;;;WD", File, None),
            ("", File, None),
        ];
        for (sddl, what, want) in cases {
            assert_eq!(others_may_change(sddl, what), want, "{what:?} {sddl}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_understood_or_not(text in ".{0,60}", inner in "[A-Z;()x0-9-]{0,40}") {
            for what in [Protected::File, Protected::Directory, Protected::Above] {
                let _ = others_may_change(&text, what);
                let _ = others_may_change(&format!("O:BAG:SYD:({inner})"), what);
            }
        }
    }
}
