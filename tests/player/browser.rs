//! A headless browser, driven over a pipe by the DevTools protocol: the real thing, with real keys.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use serde_json::{Value, json};

/// Names that a browser has.
const NAMES: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/// Longest wait for an answer: a browser on a busy machine starts slowly.
const PATIENCE: Duration = Duration::from_secs(120);

/// A browser with one page.
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    number: u64,
    session: String,
    loads: usize,
    /// What the page complained of, and what it tried to load.
    pub complaints: Vec<String>,
    _profile: tempfile::TempDir,
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut places = NAMES.iter().flat_map(|name| folders.iter().map(move |at| at.join(name)));
    places.find(|place| place.is_file()).unwrap_or_else(|| {
        panic!(
            "no browser in PATH ({}): the player is tested in a real one. Install the package \
             `chromium` (Debian: apt-get install chromium)",
            NAMES.join(", ")
        )
    })
}

impl Browser {
    pub fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        // The protocol's pipes are 3 and 4: the shell hands its own over.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 >/dev/null 2>&1", "sh"])
            .arg(program())
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-sync"])
            .args(["--disable-component-update", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, from) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for message in out.split(0) {
                let Ok(message) = message else { break };
                let Ok(value) = serde_json::from_slice(&message) else { break };
                if tell.send(value).is_err() {
                    break;
                }
            }
        });
        let to = child.stdin.take().unwrap();
        let mut browser = Self {
            child,
            to,
            from,
            number: 0,
            session: String::new(),
            loads: 0,
            complaints: Vec::new(),
            _profile: profile,
        };
        let targets = browser.call("Target.getTargets", json!({}));
        let targets = targets["targetInfos"].as_array().unwrap();
        let page = targets.iter().find(|target| target["type"] == "page").unwrap();
        let attached = json!({ "targetId": page["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attached);
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Sends a command and waits for its answer.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let mut message = json!({ "id": self.number, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = self.session.as_str().into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).expect("the browser listens");
        loop {
            let message = self.next();
            if message["id"] == self.number {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    fn next(&mut self) -> Value {
        let message = self.from.recv_timeout(PATIENCE).expect("the browser answers");
        let params = &message["params"];
        let url = || params["request"]["url"].as_str().unwrap_or_default();
        let complains = match message["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Page.javascriptDialogOpening") => true,
            Some("Log.entryAdded") => params["entry"]["level"] == "error",
            Some("Runtime.consoleAPICalled") => {
                params["type"] == "error" || params["type"] == "warning"
            }
            Some("Network.requestWillBeSent") => {
                !url().starts_with("file:///") && !url().starts_with("about:")
            }
            _ => false,
        };
        self.loads += usize::from(message["method"] == "Page.loadEventFired");
        if complains {
            self.complaints.push(message.to_string());
        }
        message
    }

    /// Opens a file, with a fragment or without, and waits until it is there.
    pub fn open(&mut self, file: &Path, fragment: &str) {
        // Another page first, so that a changed fragment loads the file anew.
        for url in ["about:blank".to_owned(), format!("file://{}{fragment}", file.display())] {
            let before = self.loads;
            self.call("Page.navigate", json!({ "url": url }));
            while self.loads == before {
                self.next();
            }
        }
    }

    /// Goes to another fragment of the page, and waits until the page has noticed.
    pub fn turn(&mut self, fragment: &str) {
        self.evaluate(&format!(
            "new Promise((done) => {{
                window.addEventListener('hashchange', () => done(true), {{ once: true }});
                location.hash = '{fragment}';
            }})"
        ));
    }

    /// The value of an expression, once it is there if it is a promise.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let asked =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", asked);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Presses a key; with `ctrl` while that is held.
    pub fn press(&mut self, key: &str, ctrl: bool) {
        let modifiers = if ctrl { 2 } else { 0 };
        let code = match key {
            "Backspace" => 8,
            "Enter" => 13,
            "Escape" => 27,
            "End" => 35,
            "Home" => 36,
            "ArrowLeft" => 37,
            "ArrowRight" => 39,
            _ => 0,
        };
        for kind in ["rawKeyDown", "keyUp"] {
            let event = json!({
                "type": kind, "key": key, "modifiers": modifiers, "windowsVirtualKeyCode": code
            });
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Width and height of the window, and whether the ground is light.
    pub fn dress(&mut self, width: u32, height: u32, light: bool) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false
        });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let value = if light { "light" } else { "dark" };
        let feature = json!({ "name": "prefers-color-scheme", "value": value });
        self.call("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
