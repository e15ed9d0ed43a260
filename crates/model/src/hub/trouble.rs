//! What goes wrong between us and the hub, in words.

use ureq::http::HeaderMap;

use super::super::LoadError;

/// What went wrong with a request.
pub(super) enum Trouble {
    /// It may go well when it is tried again.
    Passing(LoadError),
    /// It will not go well, however often it is tried.
    Lasting(LoadError),
}

impl Trouble {
    /// What it is, in words.
    pub(super) fn error(self) -> LoadError {
        match self {
            Self::Passing(error) | Self::Lasting(error) => error,
        }
    }
}

/// An answer that no hub gives.
pub(super) fn garbage(url: &str, problem: &str) -> LoadError {
    LoadError::new(
        url,
        problem,
        "Something else than the hub may answer here: a login page of the network, a proxy, or a \
         wrong HF_ENDPOINT. Open the address in a browser to see",
    )
}

/// What failed before there was an answer, or while it came.
pub(super) fn transport(place: &str, error: &ureq::Error) -> Trouble {
    use ureq::Error as E;
    let place = place.split('?').next().unwrap_or(place);
    let again = "Check the network (and HF_ENDPOINT and HTTPS_PROXY, if they are set), then run the \
                 same command again; a model that is in the cache runs with --offline";
    match error {
        E::HostNotFound => Trouble::Passing(LoadError::new(
            place,
            "the host is not known: there is no network, or the name is wrong",
            again,
        )),
        E::Io(_) | E::Timeout(_) | E::ConnectionFailed | E::BodyStalled | E::Protocol(_) => {
            Trouble::Passing(LoadError::new(
                place,
                format!("the connection failed ({error})"),
                again,
            ))
        }
        E::Rustls(_) | E::Tls(_) | E::Pem(_) => Trouble::Lasting(LoadError::new(
            place,
            format!("there is no secure connection ({error})"),
            "A proxy that reads along may be why: name the file of its certificates in SSL_CERT_FILE. \
             Or the clock is wrong",
        )),
        error => Trouble::Lasting(garbage(place, &format!("the answer cannot be read ({error})"))),
    }
}

/// A header as text.
pub(super) fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
