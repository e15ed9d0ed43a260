//! What the hub answers instead of a file, in words. Its header `X-Error-Code` tells apart what
//! shares a status.

use ureq::{Body, http::Response};

use super::{
    super::LoadError,
    RepoId,
    trouble::{Trouble, garbage, text},
};

/// Longest message of the hub that is passed on, characters.
const LONGEST_MESSAGE: usize = 200;

/// Why the hub refuses. `known` says whether it was told who asks.
pub(super) fn refusal(repo: &RepoId, url: &str, known: bool, response: &Response<Body>) -> Trouble {
    let (status, headers) = (response.status(), response.headers());
    let place = url.split('?').next().unwrap_or(url);
    let page = page(repo, place);
    let code = text(headers, "x-error-code").unwrap_or_default();
    let reason = match text(headers, "x-error-message") {
        Some(message) if !message.trim().is_empty() => {
            let message: String = message.trim().chars().take(LONGEST_MESSAGE).collect();
            format!(" ({}, {})", status.as_u16(), message.trim_end_matches('.'))
        }
        _ => format!(" ({})", status.as_u16()),
    };
    let id = &repo.id;
    let lasting = |problem: String, advice: String| {
        Trouble::Lasting(LoadError::new(place, format!("{problem}{reason}"), advice))
    };
    match (status.as_u16(), code) {
        (401 | 403, "GatedRepo") if known => lasting(
            format!("the model {id} is gated, and the account of this token has no access to it"),
            format!("Ask for access at {page}, then run the same command again"),
        ),
        (401 | 403, "GatedRepo") => lasting(
            format!("the model {id} is gated: one must have accepted its terms"),
            format!(
                "Accept them at {page}, make a token in the settings of your account, and give it \
                 in HF_TOKEN"
            ),
        ),
        (401, _) if known => lasting(
            format!("the hub does not accept the token, or {id} is not for its account"),
            "Check HF_TOKEN (or the file `token` in HF_HOME) and the spelling of the model"
                .to_owned(),
        ),
        (401, _) => lasting(
            format!("there is no model {id} that everybody may see"),
            "Check the spelling; if it is private, give a token in HF_TOKEN".to_owned(),
        ),
        (403, _) => lasting(
            format!("the hub does not let this account read {id}"),
            format!("See {page}; the token needs the right to read (gated) repositories"),
        ),
        (404, "RevisionNotFound") => lasting(
            format!("the model {id} has no revision {}", repo.revision()),
            format!("Its branches and tags are listed at {page}/tree/main"),
        ),
        (404, "EntryNotFound") => lasting(
            format!("the model {id} has no such file"),
            format!("Its files are listed at {page}/tree/{}", repo.revision()),
        ),
        (404, _) => lasting(
            format!("the hub has no model {id}"),
            "Check the spelling; a folder on this machine would have been taken if there were one \
             of that name"
                .to_owned(),
        ),
        (416, _) => Trouble::Lasting(garbage(
            place,
            "the file is shorter than the hub said (416): the answers contradict each other",
        )),
        (429, _) => {
            let wait = match text(headers, "retry-after") {
                Some(wait) if wait.trim().parse::<u32>().is_ok() => {
                    format!("Wait {} seconds", wait.trim())
                }
                _ => "Wait some minutes".to_owned(),
            };
            let token = if known { "" } else { "; with a token in HF_TOKEN the hub allows more" };
            lasting(
                "the hub has had too many requests from here".to_owned(),
                format!("{wait}, then run the same command again: what came is kept{token}"),
            )
        }
        (500..=599, _) => Trouble::Passing(LoadError::new(
            place,
            format!("the hub is in trouble{reason}"),
            "Wait some minutes, then run the same command again: what came is kept",
        )),
        (status, _) => Trouble::Lasting(garbage(place, &format!("an answer of no use ({status})"))),
    }
}

/// The address of the repository's page.
fn page(repo: &RepoId, url: &str) -> String {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let cut = url.find("/api/models/").or_else(|| url.find(&format!("/{}/resolve/", repo.id)));
    let end = cut.filter(|cut| *cut >= authority).unwrap_or(url.len());
    format!("{}/{}", &url[..end], repo.id)
}
