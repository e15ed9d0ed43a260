//! Asking the hub: requests, redirects, and what went wrong on the way. The token goes to the
//! hub's own address and nowhere else.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::{
    Agent, Body,
    http::{HeaderValue, Method, Request, Response, Uri, header},
};

use super::{
    super::LoadError,
    HubSettings, RepoId,
    connection::{self, bad},
    refusal::refusal,
    trouble::{Trouble, garbage, text, transport},
};

/// What a part of a path may hold as it is.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same, for a path of several parts.
const PATH: &AsciiSet = &PART.remove(b'/');

/// Most redirects followed for one request.
const MOST_REDIRECTS: usize = 10;

/// What the hub says of a file before it is fetched.
pub(super) struct HubMetadata {
    /// The name it is kept under.
    pub(super) etag: String,
    /// Size of the file, bytes.
    pub(super) size: u64,
}

impl HubMetadata {
    /// The SHA-256 of its contents in hexadecimal digits: the etag of a large file.
    pub(super) fn sha256(&self) -> Option<&str> {
        Some(&*self.etag).filter(|etag| etag.len() == 64 && super::cache::is_commit(etag))
    }
}

/// Asks for one repository.
pub(super) struct Client<'a> {
    agent: Agent,
    repo: &'a RepoId,
    endpoint: &'a str,
    authorization: Option<HeaderValue>,
}

impl<'a> Client<'a> {
    /// A client.
    ///
    /// # Errors
    /// If the settings are none.
    pub(super) fn new(repo: &'a RepoId, settings: &'a HubSettings) -> Result<Self, LoadError> {
        let endpoint = settings.endpoint.as_str();
        let uri: Option<Uri> = endpoint.parse().ok();
        let known = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https"));
        if !uri.as_ref().is_some_and(known) {
            let named = format!("HF_ENDPOINT={endpoint}");
            return Err(bad(&named, "it is no address that starts with https:// or http://"));
        }
        let authorization = match &settings.token {
            None => None,
            Some(token) => {
                let value = HeaderValue::from_str(&format!("Bearer {}", token.secret()));
                let unfit = |_| bad("HF_TOKEN", "it holds characters that no token holds");
                let mut value = value.map_err(unfit)?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        let agent = connection::agent(settings)?;
        Ok(Self { agent, repo, endpoint, authorization })
    }

    /// The address of what there is at the revision wanted.
    pub(super) fn listing_url(&self) -> String {
        let revision = utf8_percent_encode(self.repo.revision(), PART);
        format!("{}/api/models/{}/revision/{revision}?blobs=true", self.endpoint, self.repo.id)
    }

    /// The address of a file.
    pub(super) fn file_url(&self, commit: &str, name: &str) -> String {
        let name = utf8_percent_encode(name, PATH);
        format!("{}/{}/resolve/{commit}/{name}", self.endpoint, self.repo.id)
    }

    /// The contents of a small answer.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn small(&self, url: &str, most: u64) -> Result<Vec<u8>, Trouble> {
        let response = self.ask(Method::GET, url, 0)?;
        if !response.status().is_success() {
            return Err(refusal(self.repo, url, self.authorization.is_some(), &response));
        }
        let body = response.into_body().into_with_config().limit(most).read_to_vec();
        body.map_err(|error| transport(url, &error))
    }

    /// What the hub says of a file.
    ///
    /// # Errors
    /// If it says nothing, or not enough.
    pub(super) fn metadata(&self, url: &str) -> Result<HubMetadata, Trouble> {
        let response = self.ask(Method::HEAD, url, 0)?;
        let status = response.status();
        if !status.is_success() && !status.is_redirection() {
            return Err(refusal(self.repo, url, self.authorization.is_some(), &response));
        }
        let headers = response.headers();
        let etag = text(headers, "x-linked-etag").or_else(|| text(headers, "etag"));
        let etag = etag.map(|etag| etag.trim_start_matches("W/").trim_matches('"'));
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let etag = etag.filter(|etag| (1..=128).contains(&etag.len()) && etag.chars().all(legal));
        // The length of a redirect's own answer is not that of the file.
        let own = status.is_success().then(|| text(headers, "content-length")).flatten();
        let size = text(headers, "x-linked-size").or(own).and_then(|size| size.parse().ok());
        match (etag, size) {
            (Some(etag), Some(size)) => Ok(HubMetadata { etag: etag.to_owned(), size }),
            _ => Err(Trouble::Lasting(garbage(
                url,
                "the answer does not say which file this is and how long (ETag, Content-Length)",
            ))),
        }
    }

    /// A file's contents from this byte on.
    ///
    /// # Errors
    /// If there are none.
    pub(super) fn contents(&self, url: &str, from: u64) -> Result<Response<Body>, Trouble> {
        let response = self.ask(Method::GET, url, from)?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refusal(self.repo, url, self.authorization.is_some(), &response))
    }

    /// The answer to a request, after redirects. One to another address ends a HEAD: the hub has
    /// said what it knows by then.
    fn ask(&self, method: Method, url: &str, from: u64) -> Result<Response<Body>, Trouble> {
        let broken = |error: &dyn std::fmt::Display| {
            Trouble::Lasting(garbage(url, &format!("this address cannot be asked ({error})")))
        };
        let home: Uri = url.parse().map_err(|error| broken(&error))?;
        let mut at = home.clone();
        for _ in 0..=MOST_REDIRECTS {
            let mut request = Request::builder()
                .method(method.clone())
                .uri(at.clone())
                .header(header::ACCEPT_ENCODING, "identity");
            if from > 0 {
                request = request.header(header::RANGE, format!("bytes={from}-"));
            }
            if let Some(token) = self.authorization.as_ref().filter(|_| same_origin(&home, &at)) {
                request = request.header(header::AUTHORIZATION, token);
            }
            let request = request.body(()).map_err(|error| broken(&error))?;
            let response = self.agent.run(request).map_err(|error| {
                // An address that was redirected to may hold a signature in its query.
                let host = at.host().unwrap_or_default();
                let named = if same_origin(&home, &at) { url } else { host };
                transport(named, &error)
            })?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            let next = text(response.headers(), "location").and_then(|to| follow(&at, to));
            let Some(next) = next else {
                let problem = "the answer is a redirect to no address that can be followed";
                return Err(Trouble::Lasting(garbage(url, problem)));
            };
            if method == Method::HEAD && !same_origin(&home, &next) {
                return Ok(response);
            }
            at = next;
        }
        Err(Trouble::Lasting(garbage(url, "the answers are redirects without end")))
    }
}

/// Whether two addresses are of the same server: then it may know who asks.
fn same_origin(one: &Uri, other: &Uri) -> bool {
    let port = |uri: &Uri| uri.port_u16().or(if is_secure(uri) { Some(443) } else { Some(80) });
    let host = |uri: &Uri| uri.host().map(str::to_ascii_lowercase);
    one.scheme() == other.scheme() && host(one) == host(other) && port(one) == port(other)
}

fn is_secure(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
}

/// Where a redirect leads; never from a secure address to one that is not.
fn follow(at: &Uri, to: &str) -> Option<Uri> {
    let next: Uri = if to.starts_with("//") {
        format!("{}:{to}", at.scheme_str()?).parse().ok()?
    } else if to.starts_with('/') {
        format!("{}://{}{to}", at.scheme_str()?, at.authority()?).parse().ok()?
    } else {
        to.parse().ok()?
    };
    let known = matches!(next.scheme_str()?, "http" | "https") && next.host().is_some();
    Some(next).filter(|next| known && (is_secure(next) || !is_secure(at)))
}

#[cfg(test)]
mod tests {
    use ureq::http::Uri;

    use super::{follow, same_origin};

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn the_token_stays_at_home() {
        fn check(one: &str, other: &str, expected: bool) {
            assert_eq!(same_origin(&uri(one), &uri(other)), expected, "{one} {other}");
        }
        check("https://a.co/x", "https://A.co:443/y", true);
        check("http://a.co/x", "http://a.co:80", true);
        check("https://a.co/x", "http://a.co/x", false);
        check("https://a.co/x", "https://cdn.a.co/x", false);
        check("http://a.co:1/x", "http://a.co:2/x", false);
    }

    #[test]
    fn redirects_are_followed_to_where_they_lead() {
        fn check(at: &str, to: &str, expected: Option<&str>) {
            assert_eq!(follow(&uri(at), to), expected.map(uri), "{to}");
        }
        check("https://a.co/x/y", "/z?q=1", Some("https://a.co/z?q=1"));
        check("http://a.co:8/x", "//b.co/z", Some("http://b.co/z"));
        check("http://a.co/x", "https://b.co/z", Some("https://b.co/z"));
        check("https://a.co/x", "http://b.co/z", None);
        check("https://a.co/x", "file:///etc/passwd", None);
        check("https://a.co/x", "z", None);
    }
}
