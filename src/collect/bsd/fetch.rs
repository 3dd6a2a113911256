//! Answers of which the size is not known before.

use super::errno::ENOMEM;

/// The largest answer that is taken: a table of a million sockets.
const LARGEST: usize = 1 << 30;

/// Fetches an answer of which the size is not known: `call` fills a buffer and returns how much it did, or how much it
/// would have for none. It is called again with more room until there is some left.
pub fn fetch(mut call: impl FnMut(Option<&mut [u8]>) -> Result<usize, i32>) -> Result<Vec<u8>, i32> {
    let mut room = call(None)?;
    loop {
        // More may come until the second call.
        room = room.saturating_add(room / 4).saturating_add(512);
        if room > LARGEST {
            return Err(ENOMEM);
        }
        let mut answer = vec![0; room];
        match call(Some(&mut answer)) {
            Ok(length) if length <= room => {
                answer.truncate(length);
                return Ok(answer);
            }
            Ok(_) | Err(ENOMEM) => {}
            Err(errno) => return Err(errno),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel with an answer that grows by `more` bytes between two calls.
    fn growing(first: usize, more: usize, refuses: bool) -> (Result<usize, i32>, usize) {
        let (mut size, mut calls) = (first, 0);
        let answer = fetch(|room| {
            calls += 1;
            size += more;
            match room {
                None => Ok(size),
                Some(room) if room.len() < size && refuses => Err(ENOMEM),
                Some(room) if room.len() < size => Ok(room.len() + 1),
                Some(room) => {
                    room[..size].fill(7);
                    Ok(size)
                }
            }
        });
        (answer.map(|answer| answer.iter().filter(|byte| **byte == 7).count()), calls)
    }

    #[test]
    fn an_answer_that_grows_is_asked_for_again() {
        assert_eq!(growing(0, 0, true), (Ok(0), 2));
        assert_eq!(growing(100_000, 10, true), (Ok(100_020), 2));
        for refuses in [true, false] {
            let (answer, calls) = growing(100, 2000, refuses);
            assert_eq!((answer.ok(), calls), (Some(100 + 2000 * calls), calls), "{refuses}");
            assert!((3..12).contains(&calls), "{calls}");
        }
    }

    #[test]
    fn there_is_an_end_to_it() {
        assert_eq!(growing(LARGEST, 1, true).0, Err(ENOMEM));
        assert_eq!(fetch(|room| if room.is_none() { Ok(8) } else { Err(1) }), Err(1));
        assert_eq!(fetch(|_| Err(3)), Err(3));
    }
}
