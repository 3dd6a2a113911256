//! What a stream of output leads to.

use std::io::IsTerminal as _;

/// True where standard output is a terminal.
pub fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// The columns of the terminal that standard output leads to.
pub fn width() -> Option<u16> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0)
}
