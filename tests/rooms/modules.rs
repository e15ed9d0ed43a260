//! The modules of the three crates, and what the paths in each of them name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A path split at `::`.
type Names = Vec<String>;

/// The crates: where the source is, the name others use, and where its modules stand in one tree of all.
const CRATES: [(&str, &str, &str); 3] = [
    ("crates/core/src", "demask_core", ""),
    ("crates/model/src", "demask_model", "model"),
    ("src", "demask", ""),
];

/// Every module that has a file, without tests.
pub struct Modules {
    files: BTreeMap<String, Source>,
    /// Names that a module imports, and what they stand for.
    imports: BTreeMap<String, String>,
}

struct Source {
    file: PathBuf,
    /// The place of its crate in the tree.
    root: &'static str,
    /// The paths in `use` lines, with the names they are imported under.
    imports: Vec<(Names, String)>,
    /// All paths that the source names.
    paths: BTreeSet<Names>,
    /// The types and traits that it defines.
    types: BTreeSet<String>,
}

impl Modules {
    /// Reads the source of the three crates.
    pub fn read() -> Self {
        let mut modules = Self { files: BTreeMap::new(), imports: BTreeMap::new() };
        for (folder, _, root) in CRATES {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            modules.add(&folder.join("lib.rs"), &folder, root, root);
        }
        let mut imports = BTreeMap::new();
        for (module, source) in &modules.files {
            for (path, name) in &source.imports {
                if let Some(target) = modules.absolute(module, source, path) {
                    imports.insert(below(module, name), target);
                }
            }
        }
        modules.imports = imports;
        modules
    }

    /// Adds the module in `file` and those that it declares, whose files are in `folder`.
    fn add(&mut self, file: &Path, folder: &Path, module: &str, root: &'static str) {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        let code = without_tests(&text);
        for line in code.lines() {
            let declared = line.trim_end_matches(';').split("mod ").nth(1);
            let Some(name) = declared.filter(|_| is_declaration(line)) else { continue };
            let (alone, inside) = (folder.join(format!("{name}.rs")), folder.join(name));
            let file = if alone.is_file() { alone } else { inside.join("mod.rs") };
            self.add(&file, &inside, &below(module, name), root);
        }
        let imports = imports(&code);
        let mut paths = inline_paths(&code);
        paths.extend(imports.iter().map(|(path, _)| path.clone()));
        let source = Source { file: file.to_owned(), root, imports, paths, types: types(&code) };
        // The roots of the core and of the program are one: the program re-exports the core.
        match self.files.get_mut(module) {
            Some(there) => there.imports.extend(source.imports),
            None => {
                self.files.insert(module.to_owned(), source);
            }
        }
    }

    /// Every type and trait, with the modules that define one of that name.
    pub fn types(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut types: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (module, source) in &self.files {
            for name in &source.types {
                types.entry(name).or_default().push(module);
            }
        }
        types
    }

    /// The place in the tree that a path in `module` names; `None` for one of another crate.
    fn absolute(&self, module: &str, source: &Source, path: &[String]) -> Option<String> {
        let (first, mut rest) = path.split_first()?;
        let mut base = module.to_owned();
        match first.as_str() {
            "self" => {}
            "crate" => source.root.clone_into(&mut base),
            "super" => {
                base = parent(&base).to_owned();
                while rest.first().is_some_and(|name| name == "super") {
                    (base, rest) = (parent(&base).to_owned(), &rest[1..]);
                }
            }
            name => match CRATES.iter().find(|(_, known, _)| *known == name) {
                Some((_, _, root)) => (*root).clone_into(&mut base),
                None => {
                    (base, rest) = (below(module, name), rest);
                    if !self.files.contains_key(&base) {
                        return None;
                    }
                }
            },
        }
        Some(rest.iter().fold(base, |path, name| below(&path, name)))
    }

    /// The module that a place in the tree is in, once it is followed through re-exports.
    fn module_of(&self, place: &str) -> &str {
        let mut place = place.to_owned();
        // Re-exports of re-exports end soon.
        for _ in 0..8 {
            let Some((start, target)) = prefixes(&place).find_map(|start| {
                let target = self.imports.get(start).filter(|_| !self.files.contains_key(start))?;
                Some((start.len(), target))
            }) else {
                break;
            };
            place = format!("{target}{}", &place[start..]);
        }
        let known = prefixes(&place).find_map(|start| self.files.get_key_value(start));
        known.map_or("", |(module, _)| module)
    }

    /// For each module the other modules that it names.
    pub fn uses(&self) -> Vec<(&str, &str)> {
        let mut uses = BTreeSet::new();
        for (module, source) in &self.files {
            let places = source.paths.iter().filter_map(|path| self.absolute(module, source, path));
            for place in places {
                uses.insert((module.as_str(), self.module_of(&place)));
            }
        }
        uses.into_iter().filter(|(from, to)| from != to).collect()
    }

    /// For each module the paths that it names in other crates, with its file.
    pub fn foreign(&self) -> impl Iterator<Item = (&str, &Path, String)> {
        self.files.iter().flat_map(|(module, source)| {
            let foreign =
                source.paths.iter().filter(|path| self.absolute(module, source, path).is_none());
            foreign.map(|path| (module.as_str(), source.file.as_path(), path.join("::")))
        })
    }

    /// Every module with modules in it.
    pub fn folders(&self) -> BTreeSet<&str> {
        self.files.keys().filter(|module| !module.is_empty()).map(|module| parent(module)).collect()
    }

    /// The modules directly in one.
    pub fn within<'m>(&'m self, folder: &'m str) -> impl Iterator<Item = &'m str> {
        self.files.keys().map(String::as_str).filter(move |m| !m.is_empty() && parent(m) == folder)
    }
}

fn below(module: &str, name: &str) -> String {
    match (module, name) {
        (_, "self") => module.to_owned(),
        ("", _) => name.to_owned(),
        _ => format!("{module}::{name}"),
    }
}

fn parent(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(parent, _)| parent)
}

/// A path and the paths it begins with, the longest first.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| Some(parent(path)).filter(|_| !path.is_empty()))
}

/// The child of `folder` that a module is or is in.
pub fn child<'m>(folder: &str, module: &'m str) -> Option<&'m str> {
    prefixes(module).find(|start| !start.is_empty() && parent(start) == folder)
}

/// True for `mod x;`, with or without a visibility.
fn is_declaration(line: &str) -> bool {
    line.ends_with(';')
        && (line.starts_with("mod ") || line.starts_with("pub") && line.contains(" mod "))
}

/// The code without comments and without what only tests have.
fn without_tests(text: &str) -> String {
    let mut lines = text.lines();
    let mut code = String::new();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            let next = lines.next().unwrap_or_default();
            // The tests of a module are the last thing in it.
            if next.ends_with("mod tests {") {
                break;
            }
            continue;
        }
        code.push_str(line.split("//").next().unwrap_or_default());
        code.push('\n');
    }
    code
}

/// The paths of all `use` lines, with the names that they are imported under.
fn imports(code: &str) -> Vec<(Names, String)> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("use ") {
        let line = rest[..at].rsplit('\n').next().unwrap_or_default().trim_start();
        rest = &rest[at + "use ".len()..];
        let visible = line.is_empty() || line.starts_with("pub") && !line.contains(['=', '"', '{']);
        if visible && let Some(end) = rest.find(';') {
            expand(&rest[..end], &[], &mut found);
            rest = &rest[end..];
        }
    }
    found
}

/// The paths of a tree of imports.
fn expand(tree: &str, before: &[String], found: &mut Vec<(Names, String)>) {
    for item in top_level(tree).into_iter().map(str::trim).filter(|item| !item.is_empty()) {
        let (path, group) =
            item.split_once('{').map_or((item, None), |(path, group)| (path, Some(group)));
        let (path, renamed) =
            path.split_once(" as ").map_or((path, None), |(path, name)| (path, Some(name)));
        let names = path.split("::").map(str::trim).filter(|name| !name.is_empty());
        let mut all: Names = before.iter().cloned().chain(names.map(str::to_owned)).collect();
        match group {
            Some(group) => expand(group.trim_end().trim_end_matches('}'), &all, found),
            None => {
                if all.len() > 1 && all.last().is_some_and(|name| name == "self") {
                    all.pop();
                }
                if let Some(last) = all.last().cloned() {
                    found.push((all, renamed.map_or(last, |name| name.trim().to_owned())));
                }
            }
        }
    }
}

/// The parts of a list that are not inside further braces.
fn top_level(list: &str) -> Vec<&str> {
    let mut depth = 0;
    list.split(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    })
    .collect()
}

/// Every `a::b::c` in the code that begins with a module.
fn inline_paths(code: &str) -> BTreeSet<Names> {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    let words = code.split(|c| !word(c)).filter(|text| text.contains("::"));
    let paths = words.filter(|path| path.starts_with(|c: char| c.is_lowercase()));
    paths.map(|path| path.split("::").map(str::to_owned).collect()).collect()
}

#[test]
fn use_lines_are_read() {
    let code = "use crate::{\n    canvas::{self, Canvas as C},\n    predict,\n};\npub use x::Y;\n// use z::A;\n\
                fn f() { super::g() }\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n";
    let code = without_tests(code);
    let found: Vec<String> =
        imports(&code).iter().map(|(path, name)| format!("{} {name}", path.join("::"))).collect();
    assert_eq!(
        found,
        ["crate::canvas canvas", "crate::canvas::Canvas C", "crate::predict predict", "x::Y Y"]
    );
    assert!(inline_paths(&code).iter().any(|path| path.join("::") == "super::g"));
}

/// The types and traits that are defined outside functions and implementations.
fn types(code: &str) -> BTreeSet<String> {
    const KINDS: [&str; 5] = ["struct", "enum", "union", "trait", "type"];
    let defined = |line: &str| {
        let line = match line.strip_prefix("pub(") {
            Some(rest) => rest.split_once(") ")?.1,
            None => line.strip_prefix("pub ").unwrap_or(line),
        };
        let (kind, rest) = line.split_once(' ')?;
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        KINDS.contains(&kind).then(|| rest[..end.unwrap_or(rest.len())].to_owned())
    };
    code.lines().filter_map(defined).collect()
}
