//! A hub on this machine: it speaks the part of the hub's HTTP that fetching needs, keeps a log
//! of what it was asked, and does wrong what a test wants it to.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead, BufReader, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use sha2::{Digest, Sha256};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The first line, such as `GET /path`.
    pub line: String,
    /// The byte that the range asked for starts at.
    pub from: Option<usize>,
    /// What the header `Authorization` says.
    pub token: Option<String>,
    /// Whether the other host was asked that large files are on.
    pub cdn: bool,
}

/// What is done wrong.
#[derive(Clone)]
pub enum Fault {
    /// The connection ends after this many bytes of the body.
    Cut(usize),
    /// This answer instead: status, headers, body.
    Answer(u16, &'static [(&'static str, &'static str)], &'static str),
    /// The whole file comes, whatever the range.
    Whole,
    /// The first byte is another.
    Wrong,
    /// There is a byte too many.
    Long,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    /// Names that are listed and not there.
    listed: Vec<String>,
    /// Part of the request line, how often, what.
    faults: Vec<(String, usize, Fault)>,
    log: Vec<Asked>,
    cdn: String,
}

/// A hub that runs in the test, and what it was asked.
pub struct Hub {
    pub endpoint: String,
    state: Arc<Mutex<State>>,
}

impl Hub {
    /// One with these files in the repository `local/model`.
    pub fn serving(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let endpoint = listen(state.clone(), false);
        let cdn = listen(state.clone(), true);
        *state.lock().unwrap() =
            State { files: files.into_iter().collect(), cdn, ..State::default() };
        Self { endpoint, state }
    }

    /// From now on this goes wrong so many times, wherever the request line has `part` in it.
    pub fn fault(&self, part: &str, times: usize, fault: Fault) {
        self.state.lock().unwrap().faults.insert(0, (part.to_owned(), times, fault));
    }

    /// Nothing goes wrong any more.
    pub fn mend(&self) {
        self.state.lock().unwrap().faults.clear();
    }

    /// It lists a file that it does not have.
    pub fn list(&self, name: &str) {
        self.state.lock().unwrap().listed.push(name.to_owned());
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state.lock().unwrap().log)
    }
}

/// What a file is kept under: like the hub, the SHA-256 of large ones.
pub fn etag(name: &str, bytes: &[u8]) -> String {
    let mut digits = String::new();
    Sha256::digest(bytes).iter().for_each(|byte| write!(digits, "{byte:02x}").unwrap());
    digits.truncate(if is_large(name) { 64 } else { 40 });
    digits
}

fn is_large(name: &str) -> bool {
    name.ends_with(".safetensors") || name.ends_with(".gguf")
}

fn listen(state: Arc<Mutex<State>>, cdn: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let state = state.clone();
            // Whoever hangs up early does so on purpose.
            thread::spawn(move || answer(stream, &state, cdn).ok());
        }
    });
    address
}

/// Reads one request, answers it and hangs up.
fn answer(mut stream: TcpStream, state: &Mutex<State>, cdn: bool) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let line = lines.next().unwrap_or(Ok(String::new()))?;
    let line = line.trim_end_matches(" HTTP/1.1").to_owned();
    let mut asked = Asked { line: line.clone(), from: None, token: None, cdn };
    for header in lines {
        let header = header?;
        let Some((name, value)) = header.split_once(": ") else { break };
        match &*name.to_ascii_lowercase() {
            "range" => {
                let from = value.trim_start_matches("bytes=").trim_end_matches('-');
                asked.from = Some(from.parse().unwrap());
            }
            "authorization" => asked.token = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut state = state.lock().unwrap();
    state.log.push(asked.clone());
    let place = state.faults.iter().position(|(part, times, _)| *times > 0 && line.contains(part));
    let fault = place.map(|place| {
        state.faults[place].1 -= 1;
        state.faults[place].2.clone()
    });
    if let Some(Fault::Answer(status, headers, body)) = fault {
        let headers: Vec<String> = headers.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect();
        return write!(
            stream,
            "HTTP/1.1 {status} Fault\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n{body}",
            headers.concat(),
            body.len()
        );
    }
    let (head, path) = match line.split_once(' ') {
        Some(("HEAD", path)) => (true, path),
        Some((_, path)) => (false, path),
        None => return Ok(()),
    };
    if path.starts_with("/api/models/local/model/revision/") {
        let names = state.files.iter().map(|(name, bytes)| (name.clone(), bytes.len()));
        let listed = state.listed.iter().map(|name| (name.clone(), 1));
        let siblings: Vec<_> = names
            .chain(listed)
            .map(|(name, size)| serde_json::json!({ "rfilename": name, "size": size }))
            .collect();
        let body = serde_json::json!({ "sha": COMMIT, "siblings": siblings }).to_string();
        return respond(&mut stream, "200 OK", "", body.as_bytes(), body.len(), false);
    }
    let start = format!("/local/model/resolve/{COMMIT}/");
    let small = format!("/api/resolve-cache{start}");
    let name = [&*start, &*small, "/cdn/"].iter().find_map(|start| path.strip_prefix(start));
    let found = name.and_then(|name| Some((name, state.files.get(name)?)));
    let Some((name, bytes)) = found else {
        let code = "X-Error-Code: EntryNotFound\r\n";
        return respond(&mut stream, "404 Not Found", code, b"", 0, head);
    };
    let tag = etag(name, bytes);
    // Large files are elsewhere, small ones under another path.
    if path.starts_with(&start) {
        let (size, cdn) = (bytes.len(), &state.cdn);
        let headers = match is_large(name) {
            true => format!(
                "X-Linked-Etag: \"{tag}\"\r\nX-Linked-Size: {size}\r\nX-Repo-Commit: {COMMIT}\r\n\
                 Location: {cdn}/cdn/{name}\r\n"
            ),
            false => format!("X-Repo-Commit: {COMMIT}\r\nLocation: {small}{name}\r\n"),
        };
        return respond(&mut stream, "307 Temporary Redirect", &headers, b"elsewhere", 9, head);
    }
    let from = asked.from.filter(|_| !matches!(fault, Some(Fault::Whole))).unwrap_or(0);
    let mut body = bytes[from.min(bytes.len())..].to_vec();
    let mut headers = format!("ETag: W/\"{tag}\"\r\n");
    if from > 0 {
        let (last, size) = (bytes.len() - 1, bytes.len());
        write!(headers, "Content-Range: bytes {from}-{last}/{size}\r\n").unwrap();
    }
    let mut length = body.len();
    match fault {
        Some(Fault::Cut(after)) => body.truncate(after),
        Some(Fault::Wrong) => body[0] ^= 1,
        Some(Fault::Long) => {
            body.push(0);
            length += 1;
        }
        _ => {}
    }
    let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
    // The bodies are larger than a socket holds: others may ask while this one reads.
    drop(state);
    respond(&mut stream, status, &headers, &body, length, head)
}

fn respond(
    stream: &mut TcpStream,
    status: &str,
    headers: &str,
    body: &[u8],
    length: usize,
    head: bool,
) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
    )?;
    if !head {
        stream.write_all(body)?;
    }
    stream.flush()?;
    stream.shutdown(Shutdown::Write)
}
