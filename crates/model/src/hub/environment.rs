//! Where the hub is, where its cache is, and who asks: from the environment's variables, as the
//! hub's other programs read them. The variables are handed in.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::bounded;

/// What fetching from a hub needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubSettings {
    /// The hub's address, without a slash at its end.
    pub endpoint: String,
    /// The folder of the cache, which holds a folder a repository; `None` where no variable says
    /// where the home folder is.
    pub cache: Option<PathBuf>,
    /// The token sent with requests, for private repositories; `None` where there is none.
    pub token: Option<HubToken>,
    /// Whether the cache alone is used.
    pub offline: bool,
    /// The proxy's address; `None` asks the hub itself.
    pub proxy: Option<String>,
    /// The hosts that are reached without it, with commas between them.
    pub no_proxy: String,
    /// A file with the certificates that are trusted; `None` for those that browsers trust.
    pub certificates: Option<PathBuf>,
    /// The wait before a download that brought nothing is tried again; it doubles each time.
    pub pause: Duration,
}

/// A secret: it does not show in debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct HubToken(String);

impl HubToken {
    /// The token's text, which is shown nowhere.
    pub(super) fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HubToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(…)")
    }
}

impl HubSettings {
    /// What the variables say: `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`,
    /// `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HUB_OFFLINE`, `SSL_CERT_FILE`, and the proxy's. A token file is read if
    /// there is one.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let any = |names: &[&str]| names.iter().find_map(|name| get(name));
        let home = any(&["HOME", "USERPROFILE"]).map(PathBuf::from);
        let path = |name: &str| get(name).map(|value| expand(&value, home.as_deref()));
        let own = path("HF_HOME").or_else(|| {
            let caches = path("XDG_CACHE_HOME").or_else(|| Some(home.as_ref()?.join(".cache")));
            Some(caches?.join("huggingface"))
        });
        let cache = path("HF_HUB_CACHE").or_else(|| Some(own.as_ref()?.join("hub")));
        let kept = path("HF_TOKEN_PATH").or_else(|| Some(own.as_ref()?.join("token")));
        let token = any(&["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])
            .or_else(|| bounded::read_text(&kept?, 1 << 16).ok())
            .map(|token| token.trim().to_owned())
            .filter(|token| !token.is_empty());
        let endpoint = get("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
        let on = |value: String| {
            ["1", "on", "yes", "true"].contains(&&*value.trim().to_ascii_lowercase())
        };
        Self {
            endpoint: endpoint.trim().trim_end_matches('/').to_owned(),
            cache,
            token: token.map(HubToken),
            offline: get("HF_HUB_OFFLINE").is_some_and(on),
            proxy: any(&[
                "ALL_PROXY",
                "all_proxy",
                "HTTPS_PROXY",
                "https_proxy",
                "HTTP_PROXY",
                "http_proxy",
            ]),
            no_proxy: any(&["NO_PROXY", "no_proxy"]).unwrap_or_default(),
            certificates: path("SSL_CERT_FILE").or_else(|| path("REQUESTS_CA_BUNDLE")),
            pause: Duration::from_secs(1),
        }
    }
}

/// `~/` at the start is the home folder.
fn expand(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::HubSettings;

    fn read(variables: &[(&str, &str)]) -> HubSettings {
        HubSettings::from_env(|wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_cache_is_where_other_programs_look_for_it() {
        fn check(variables: &[(&str, &str)], expected: Option<&str>) {
            assert_eq!(read(variables).cache.as_deref(), expected.map(Path::new), "{variables:?}");
        }
        check(&[], None);
        check(&[("HOME", "/h")], Some("/h/.cache/huggingface/hub"));
        check(&[("HOME", "/h"), ("HF_HOME", "")], Some("/h/.cache/huggingface/hub"));
        check(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/c")], Some("/c/huggingface/hub"));
        check(&[("XDG_CACHE_HOME", "/c"), ("HF_HOME", "/f")], Some("/f/hub"));
        check(&[("HOME", "/h"), ("HF_HOME", "~/f")], Some("/h/f/hub"));
        check(&[("HF_HOME", "/f"), ("HF_HUB_CACHE", "/g")], Some("/g"));
    }

    #[test]
    fn the_other_variables_are_read() {
        let none = read(&[]);
        assert_eq!((&*none.endpoint, none.offline), ("https://huggingface.co", false));
        assert_eq!((none.token, none.proxy), (None, None));
        let all = read(&[
            ("HF_ENDPOINT", "http://mirror/hf/"),
            ("HF_TOKEN", " secret\n"),
            ("HF_HUB_OFFLINE", "1"),
            ("HTTPS_PROXY", "http://p:3"),
            ("no_proxy", "localhost"),
        ]);
        assert_eq!(all.endpoint, "http://mirror/hf");
        assert_eq!(all.token.as_ref().unwrap().secret(), "secret");
        assert!(all.offline && !format!("{all:?}").contains("secret"));
        assert_eq!((all.proxy.as_deref(), &*all.no_proxy), (Some("http://p:3"), "localhost"));
        for (value, offline) in [("0", false), ("TRUE", true), ("yes", true), ("off", false)] {
            assert_eq!(read(&[("HF_HUB_OFFLINE", value)]).offline, offline, "{value}");
        }
    }

    #[test]
    fn a_token_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        assert_eq!(read(&[("HF_HOME", home)]).token, None);
        fs::write(folder.path().join("token"), "kept\n").unwrap();
        assert_eq!(read(&[("HF_HOME", home)]).token.unwrap().secret(), "kept");
        let given = read(&[("HF_HOME", home), ("HF_TOKEN", "given")]);
        assert_eq!(given.token.unwrap().secret(), "given");
    }
}
