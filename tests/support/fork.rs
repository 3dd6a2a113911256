//! Processes that are forked by hand: which pid they get, and what they do before they are another program.

#![expect(unsafe_code, reason = "libc alone forks without execution of a program")]

use std::ffi::CString;
use std::io::{Error, Result};

/// What a forked process does with its sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It ends, and its socket with it.
    Ends,
    /// It executes a program, which closes its socket.
    Executes,
    /// It executes a program that inherits one socket, on the next port, while the other is closed.
    HandsOn,
}

/// Everything that a forked process needs, made before the fork: after it nothing may be allocated.
pub struct Plan {
    name: CString,
    port: u16,
    life: Life,
    nanoseconds: i64,
    program: CString,
    argument: CString,
}

impl Plan {
    /// A process that calls itself by its port, listens there on 127.0.0.1 for so long, and then leads that life.
    pub fn new(port: u16, life: Life, nanoseconds: i64) -> Result<Self> {
        let text = |text: &str| CString::new(text).map_err(Error::other);
        let (program, argument) = (text("/bin/sleep")?, text("0.003")?);
        Ok(Self { name: text(&name(port))?, port, life, nanoseconds, program, argument })
    }

    /// Forks, with the pid after `last` where it is given and free, and returns the pid.
    pub fn fork(&self, last: Option<u32>) -> Result<i32> {
        if let Some(last) = last {
            std::fs::write("/proc/sys/kernel/ns_last_pid", last.to_string())?;
        }
        // SAFETY: the child calls nothing but system calls, as after a fork of one thread of several it has to.
        match unsafe { libc::fork() } {
            -1 => Err(Error::last_os_error()),
            0 => self.live(),
            pid => Ok(pid),
        }
    }

    fn live(&self) -> ! {
        // SAFETY: system calls with numbers, and with pointers to what was made before the fork and lives on in the copy.
        unsafe {
            libc::prctl(libc::PR_SET_NAME, self.name.as_ptr());
            if self.life == Life::HandsOn {
                listen(self.port + 1, 0);
            }
            listen(self.port, libc::SOCK_CLOEXEC);
            let time = libc::timespec { tv_sec: 0, tv_nsec: self.nanoseconds as _ };
            libc::nanosleep(&raw const time, std::ptr::null_mut());
            if self.life != Life::Ends {
                let arguments = [self.program.as_ptr(), self.argument.as_ptr(), std::ptr::null()];
                let nothing = [std::ptr::null()];
                libc::execve(self.program.as_ptr(), arguments.as_ptr(), nothing.as_ptr());
            }
            libc::_exit(0)
        }
    }
}

/// What a process calls itself that listens on a port.
pub fn name(port: u16) -> String {
    format!("p{port}")
}

/// Listens on 127.0.0.1. What fails is not there to be seen.
unsafe fn listen(port: u16, flags: i32) {
    let address = libc::sockaddr_in {
        sin_family: libc::AF_INET as _,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) },
        sin_zero: [0; 8],
    };
    // SAFETY: the pointer and the length are those of one address.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM | flags, 0);
        libc::bind(socket, (&raw const address).cast(), size_of_val(&address) as _);
        libc::listen(socket, 8);
    }
}

/// Waits for a child to end.
pub fn wait(pid: i32) {
    // SAFETY: waitpid(2) takes numbers, and a null pointer for what is not asked.
    unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
}
