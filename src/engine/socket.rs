//! Sockets of this machine, as a reader, a writer and a function that closes them.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    path::Path,
    time::Duration,
};

use super::Address;

/// How long a TCP socket may take to accept the connection.
const TO_CONNECT: Duration = Duration::from_secs(5);

/// A socket that is connected to an engine or a sampling loop.
pub struct Socket {
    /// What the other side sends.
    pub input: Box<dyn Read + Send>,
    /// What is sent to it.
    pub output: Box<dyn Write + Send>,
    /// Closes both directions, which wakes up a thread that reads.
    pub hang_up: HangUp,
}

/// Closes a connection in both directions.
pub type HangUp = Box<dyn Fn() + Send + Sync>;

impl Socket {
    /// Connects. A `patience` is the longest that a read waits.
    ///
    /// # Errors
    /// If nothing listens there, or the address is that of a command.
    pub fn connect(address: &Address, patience: Option<Duration>) -> io::Result<Self> {
        match address {
            Address::Tcp(socket, _) => {
                let stream = TcpStream::connect_timeout(socket, TO_CONNECT)?;
                let _ = stream.set_nodelay(true);
                stream.set_read_timeout(patience)?;
                let (input, end) = (stream.try_clone()?, stream.try_clone()?);
                let hang_up = Box::new(move || drop(end.shutdown(Shutdown::Both)));
                Ok(Self { input: Box::new(input), output: Box::new(stream), hang_up })
            }
            Address::Unix(path) => Self::unix(path, patience),
            Address::Command(_) => Err(io::Error::other("this is a command, not a socket")),
        }
    }

    #[cfg(unix)]
    fn unix(path: &Path, patience: Option<Duration>) -> io::Result<Self> {
        let stream = std::os::unix::net::UnixStream::connect(path)?;
        stream.set_read_timeout(patience)?;
        let (input, end) = (stream.try_clone()?, stream.try_clone()?);
        let hang_up = Box::new(move || drop(end.shutdown(Shutdown::Both)));
        Ok(Self { input: Box::new(input), output: Box::new(stream), hang_up })
    }

    #[cfg(not(unix))]
    fn unix(_: &Path, _: Option<Duration>) -> io::Result<Self> {
        Err(io::Error::other("this system has no Unix sockets"))
    }
}
