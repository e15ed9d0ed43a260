//! How the hub is reached: through a proxy or not, and whose word is taken for who answers.

use std::{path::Path, time::Duration};

use ureq::{
    Agent, Proxy,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

use super::{super::LoadError, HubSettings};
use crate::bounded;

/// How long a connection may take to come about, and how long it may be silent.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the requests are made with. It follows no redirects, and any status is an answer.
///
/// # Errors
/// If the settings name no proxy, or no certificates.
pub(super) fn agent(settings: &HubSettings) -> Result<Agent, LoadError> {
    let proxy = settings.proxy.as_deref().map(|address| proxy(address, &settings.no_proxy));
    let proxy = proxy.transpose().map_err(|error| {
        bad("HTTPS_PROXY", &format!("it is no address of a proxy that can be used ({error})"))
    })?;
    let roots = match &settings.certificates {
        None => RootCerts::WebPki,
        Some(file) => RootCerts::new_with_certs(&certificates(file)?),
    };
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(proxy)
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .user_agent(concat!("demask/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .timeout_per_read(Some(PATIENCE));
    Ok(config.build().into())
}

/// A variable of the environment that holds something else than it should.
pub(super) fn bad(what: &str, problem: &str) -> LoadError {
    LoadError::new(what, problem, "Correct the environment variable and start again")
}

/// The certificates in a file.
fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>, LoadError> {
    let named = format!("SSL_CERT_FILE={}", file.display());
    let text = bounded::read(file, 1 << 24)
        .map_err(|error| bad(&named, &format!("it cannot be read ({error})")))?;
    let found: Vec<_> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() { Err(bad(&named, "there are no certificates in it")) } else { Ok(found) }
}

/// A proxy, and the hosts that are reached without it.
fn proxy(address: &str, without: &str) -> Result<Proxy, ureq::Error> {
    let proxy = Proxy::new(address)?;
    let mut built = Proxy::builder(proxy.protocol()).host(proxy.host()).port(proxy.port());
    if let Some(name) = proxy.username() {
        built = built.username(name);
    }
    if let Some(password) = proxy.password() {
        built = built.password(password);
    }
    for host in without.split(',').map(str::trim).filter(|host| !host.is_empty()) {
        built = built.no_proxy(host);
    }
    built.build()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use ureq::http::Uri;

    use super::{certificates, proxy};

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn a_proxy_is_read_with_its_exceptions() {
        let proxy = proxy("http://me:pw@p.co:3128", "localhost, .inside.co").unwrap();
        assert_eq!((proxy.host(), proxy.port()), ("p.co", 3128));
        assert_eq!((proxy.username(), proxy.password()), (Some("me"), Some("pw")));
        assert!(proxy.is_no_proxy(&uri("http://localhost/")));
        assert!(proxy.is_no_proxy(&uri("http://a.inside.co/")));
        assert!(!proxy.is_no_proxy(&uri("http://huggingface.co/")));
        assert!(super::proxy("ftp://x", "").is_err());
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roots.pem");
        let failure = |words: &str| {
            let error = certificates(&file).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("roots.pem"), "{error}");
        };
        failure("cannot be read");
        fs::write(&file, "nothing").unwrap();
        failure("no certificates");
        let one = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        fs::write(&file, format!("# two\n{one}{one}")).unwrap();
        assert_eq!(certificates(&file).unwrap().len(), 2);
    }
}
