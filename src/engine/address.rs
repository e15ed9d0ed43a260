//! Addresses of engines: a command, a Unix socket or a TCP socket.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr};

/// The address of an engine: `unix:PATH`, `tcp:ADDRESS:PORT`, or a command that starts one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A command with its arguments; the protocol goes over its standard input and output.
    Command(Vec<String>),
    /// A Unix socket, by its path.
    Unix(PathBuf),
    /// A TCP socket of this machine, with the token that its engine printed.
    Tcp(SocketAddr, Option<String>),
}

impl FromStr for Address {
    type Err = String;

    /// `tcp:127.0.0.1:PORT` may end with `#TOKEN`. Addresses of other machines are refused, since
    /// the connection is not encrypted; `ssh -L` forwards their sockets to this machine.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err("unix: names no socket. Give unix:PATH".to_owned()),
                path => Ok(Self::Unix(path.into())),
            };
        }
        if let Some(rest) = text.strip_prefix("tcp:") {
            let (place, token) = match rest.split_once('#') {
                Some((place, token)) => (place, Some(token.to_owned())),
                None => (rest, None),
            };
            let place = place.replace("localhost", "127.0.0.1");
            let socket: SocketAddr = place
                .parse()
                .map_err(|_| format!("{text} is no address. Give tcp:127.0.0.1:PORT#TOKEN"))?;
            if !socket.ip().is_loopback() {
                return Err(format!(
                    "{text} is another machine, and the connection would not be encrypted. Forward \
                     its port to this machine with ssh -L PORT:127.0.0.1:PORT HOST, and give \
                     tcp:127.0.0.1:PORT#TOKEN"
                ));
            }
            return Ok(Self::Tcp(socket, token));
        }
        match shlex::split(text) {
            Some(words) if !words.is_empty() => Ok(Self::Command(words)),
            Some(_) => {
                Err("no command is given: --engine \"python -m demask.engine MODEL\"".into())
            }
            None => Err(format!("{text}: a quotation mark is not closed")),
        }
    }
}

impl fmt::Display for Address {
    /// The address as a user types it, without the token, which is a secret.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Command(words) => match shlex::try_join(words.iter().map(String::as_str)) {
                Ok(line) => f.write_str(&line),
                Err(_) => f.write_str(&words.join(" ")),
            },
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address, _) => write!(f, "tcp:{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let check = |text: &str, expected: Result<Address, &str>| {
            let read = text.parse::<Address>();
            match (read, expected) {
                (Ok(read), Ok(expected)) => assert_eq!(read, expected),
                (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
                (read, expected) => panic!("{text}: {read:?}, not {expected:?}"),
            }
        };
        let words =
            |words: &[&str]| Address::Command(words.iter().map(|w| w.to_string()).collect());
        check(
            "python -m demask.engine 'my model'",
            Ok(words(&["python", "-m", "demask.engine", "my model"])),
        );
        check("unix:/run/e.sock", Ok(Address::Unix("/run/e.sock".into())));
        check(
            "tcp:127.0.0.1:7000#ab",
            Ok(Address::Tcp("127.0.0.1:7000".parse().unwrap(), Some("ab".into()))),
        );
        check("tcp:localhost:7000", Ok(Address::Tcp("127.0.0.1:7000".parse().unwrap(), None)));
        check("tcp:[::1]:7000", Ok(Address::Tcp("[::1]:7000".parse().unwrap(), None)));
        check("tcp:10.0.0.7:7000", Err("ssh -L"));
        check("tcp:7000", Err("tcp:127.0.0.1:PORT"));
        check("unix:", Err("unix:PATH"));
        check("", Err("no command"));
        check("python 'x", Err("not closed"));
    }
}
