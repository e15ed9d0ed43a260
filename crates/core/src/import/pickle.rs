//! The pickles that `torch.save` writes, as a tree to look things up in. Nothing in them is carried
//! out: a call is kept as the name of what would be called and its arguments.
//!
//! candle's own reader finds tensors only where they are values of a dictionary (here they are in
//! lists), and makes room for what a hostile file says. This one has an arena: each instruction adds
//! at most one node, so a pickle never takes more than some dozen times its bytes, and nothing is
//! nested in memory.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// A node's number in its pickle.
pub(super) type Id = usize;

/// A node of the pickled graph.
#[derive(Debug)]
enum PickleValue {
    /// Nothing of interest: a float, bytes.
    Other,
    None,
    Int(i64),
    Text(String),
    /// A tuple or a list.
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A class or function, by its module and name.
    Global(String),
    /// What calling something with arguments would give, and what it would be given afterwards.
    Call {
        what: Id,
        with: Id,
        state: Option<Id>,
    },
    /// Something kept beside the pickle: a tensor's numbers.
    Stored(Id),
}

/// A pickle that was read.
pub(super) struct Pickle {
    nodes: Vec<PickleValue>,
    root: Id,
}

/// How a tensor lies in its storage.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The storage's name in the archive.
    pub storage: String,
    /// The class of the storage, which says what its numbers are: `LongStorage`.
    pub class: String,
    /// First number, counted in numbers.
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

impl Pickle {
    /// Reads a pickle.
    ///
    /// # Errors
    /// In words, if it is damaged or holds what PyTorch never writes.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut machine = Machine { rest: bytes, ..Machine::default() };
        let root = machine.run()?;
        Ok(Self { nodes: machine.nodes, root })
    }

    /// The node of the object that was saved.
    pub fn root(&self) -> Id {
        self.root
    }

    /// The members of a dictionary, or of an object that has fields.
    fn pairs(&self, of: Id) -> &[(Id, Id)] {
        match &self.nodes[of] {
            PickleValue::Dict(pairs) => pairs,
            PickleValue::Call { state: Some(state), .. } => match &self.nodes[*state] {
                PickleValue::Dict(pairs) => pairs,
                _ => &[],
            },
            _ => &[],
        }
    }

    /// A field of a dictionary, or of an object that has fields; the last one of that name.
    pub fn field(&self, of: Id, name: &str) -> Option<Id> {
        let named = |key: Id| matches!(&self.nodes[key], PickleValue::Text(text) if text == name);
        self.pairs(of).iter().rev().find(|(key, _)| named(*key)).map(|&(_, value)| value)
    }

    /// The fields that are numbers or texts, as JSON; any other one is an empty object.
    pub fn fields(&self, of: Id) -> Map<String, Value> {
        let field = |&(key, value): &(Id, Id)| match (&self.nodes[key], &self.nodes[value]) {
            (PickleValue::Text(name), PickleValue::None) => Some((name.clone(), Value::Null)),
            (PickleValue::Text(name), PickleValue::Int(number)) => {
                Some((name.clone(), Value::from(*number)))
            }
            (PickleValue::Text(name), PickleValue::Text(text)) => {
                Some((name.clone(), Value::from(text.as_str())))
            }
            (PickleValue::Text(name), _) => Some((name.clone(), Value::Object(Map::new()))),
            _ => None,
        };
        self.pairs(of).iter().filter_map(field).collect()
    }

    /// The members of a list or a tuple.
    pub fn list(&self, id: Id) -> Option<&[Id]> {
        match &self.nodes[id] {
            PickleValue::List(members) => Some(members),
            _ => None,
        }
    }

    /// The whole number at a node; `None` if it is something else.
    pub fn int(&self, id: Id) -> Option<i64> {
        match self.nodes[id] {
            PickleValue::Int(value) => Some(value),
            _ => None,
        }
    }

    fn text(&self, id: Id) -> Option<&str> {
        match &self.nodes[id] {
            PickleValue::Text(text) => Some(text),
            _ => None,
        }
    }

    fn size(&self, id: Id) -> Option<usize> {
        self.int(id).and_then(|value| usize::try_from(value).ok())
    }

    fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        self.list(id)?.iter().map(|&size| self.size(size)).collect()
    }

    /// How a tensor lies; `None` if this is no tensor.
    pub fn tensor(&self, id: Id) -> Option<Layout> {
        let PickleValue::Call { what, with, .. } = self.nodes[id] else { return None };
        match &self.nodes[what] {
            PickleValue::Global(name) if name == "torch._utils._rebuild_tensor_v2" => {}
            _ => return None,
        }
        // Storage, offset, shape, strides, …
        let [storage, offset, shape, strides, ..] = *self.list(with)? else { return None };
        let PickleValue::Stored(stored) = self.nodes[storage] else { return None };
        // "storage", its class, its name, the device, how many numbers it has.
        let [_, class, name, ..] = *self.list(stored)? else { return None };
        let PickleValue::Global(class) = &self.nodes[class] else { return None };
        Some(Layout {
            storage: self.text(name)?.to_owned(),
            class: class.rsplit('.').next().unwrap_or_default().to_owned(),
            offset: self.size(offset)?,
            shape: self.sizes(shape)?,
            strides: self.sizes(strides)?,
        })
    }
}

/// Runs the instructions of a pickle.
#[derive(Default)]
struct Machine<'a> {
    rest: &'a [u8],
    nodes: Vec<PickleValue>,
    stack: Vec<Id>,
    /// Where lists began, as lengths of the stack.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

fn cut() -> String {
    "the pickle in it is cut".to_owned()
}

impl Machine<'_> {
    fn take(&mut self, n: usize) -> Result<&[u8], String> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or_else(cut)?;
        self.rest = rest;
        Ok(taken)
    }

    /// An unsigned number of this many bytes, little end first.
    fn number(&mut self, bytes: usize) -> Result<u64, String> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |number, &byte| (number << 8) | u64::from(byte)))
    }

    fn length(&mut self, bytes: usize) -> Result<usize, String> {
        usize::try_from(self.number(bytes)?).map_err(|_| cut())
    }

    fn line(&mut self) -> Result<String, String> {
        let end = self.rest.iter().position(|&byte| byte == b'\n').ok_or_else(cut)?;
        let line = String::from_utf8_lossy(self.take(end + 1)?);
        Ok(line.trim_end().to_owned())
    }

    fn push(&mut self, node: PickleValue) {
        self.nodes.push(node);
        self.stack.push(self.nodes.len() - 1);
    }

    fn pop(&mut self) -> Result<Id, String> {
        self.stack.pop().ok_or_else(|| "the pickle in it takes what is not there".to_owned())
    }

    fn top(&self) -> Result<Id, String> {
        self.stack
            .last()
            .copied()
            .ok_or_else(|| "the pickle in it takes what is not there".to_owned())
    }

    fn since_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().filter(|&mark| mark <= self.stack.len());
        let mark =
            mark.ok_or_else(|| "the pickle in it ends a list that never began".to_owned())?;
        Ok(self.stack.split_off(mark))
    }

    fn text(&mut self, length: usize) -> Result<(), String> {
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.push(PickleValue::Text(text));
        Ok(())
    }

    fn tuple(&mut self, n: usize) -> Result<(), String> {
        let at = self.stack.len().checked_sub(n).ok_or_else(cut)?;
        let members = self.stack.split_off(at);
        self.push(PickleValue::List(members));
        Ok(())
    }

    fn append(&mut self, members: Vec<Id>) -> Result<(), String> {
        let list = self.top()?;
        if let PickleValue::List(list) = &mut self.nodes[list] {
            list.extend(members);
        }
        Ok(())
    }

    fn set(&mut self, pairs: &[Id]) -> Result<(), String> {
        let dict = self.top()?;
        if let PickleValue::Dict(dict) = &mut self.nodes[dict] {
            dict.extend(pairs.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        }
        Ok(())
    }

    fn call(&mut self) -> Result<(), String> {
        let (with, what) = (self.pop()?, self.pop()?);
        let ordered = matches!(&self.nodes[what], PickleValue::Global(name) if name == "collections.OrderedDict");
        self.push(match ordered {
            true => PickleValue::Dict(Vec::new()),
            false => PickleValue::Call { what, with, state: None },
        });
        Ok(())
    }

    fn remember(&mut self, at: u32) -> Result<(), String> {
        let top = self.top()?;
        self.memo.insert(at, top);
        Ok(())
    }

    fn recall(&mut self, at: u32) -> Result<(), String> {
        let known = self.memo.get(&at).copied();
        self.stack
            .push(known.ok_or_else(|| "the pickle in it recalls what it never had".to_owned())?);
        Ok(())
    }

    /// Runs to the end; what is on top then.
    fn run(&mut self) -> Result<Id, String> {
        loop {
            let code = self.take(1)?[0];
            match code {
                b'.' => return self.pop(),
                0x80 => drop(self.take(1)?),
                0x95 => drop(self.take(8)?),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.since_mark()?),
                b'2' => self.stack.push(self.top()?),
                b'N' => self.push(PickleValue::None),
                0x88 | 0x89 => self.push(PickleValue::Int(i64::from(code == 0x88))),
                b'K' => {
                    let value = self.number(1)? as i64;
                    self.push(PickleValue::Int(value));
                }
                b'M' => {
                    let value = self.number(2)? as i64;
                    self.push(PickleValue::Int(value));
                }
                b'J' => {
                    let value = self.number(4)? as u32 as i32;
                    self.push(PickleValue::Int(i64::from(value)));
                }
                0x8a => {
                    let bytes = self.length(1)?;
                    let taken = self.take(bytes)?;
                    let fill = taken.last().map_or(0, |&last| if last > 0x7f { 0xff } else { 0 });
                    let mut value = [fill; 8];
                    let node = match taken.len() <= 8 {
                        true => {
                            value[..taken.len()].copy_from_slice(taken);
                            PickleValue::Int(i64::from_le_bytes(value))
                        }
                        false => PickleValue::Other,
                    };
                    self.push(node);
                }
                b'G' => {
                    self.take(8)?;
                    self.push(PickleValue::Other);
                }
                b'X' | b'T' => {
                    let length = self.length(4)?;
                    self.text(length)?;
                }
                0x8c | b'U' => {
                    let length = self.length(1)?;
                    self.text(length)?;
                }
                0x8d => {
                    let length = self.length(8)?;
                    self.text(length)?;
                }
                b'C' | b'B' | 0x8e => {
                    let length = self.length(match code {
                        b'C' => 1,
                        b'B' => 4,
                        _ => 8,
                    })?;
                    self.take(length)?;
                    self.push(PickleValue::Other);
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(PickleValue::Global(format!("{module}.{name}")));
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let text = |id: Id| match &self.nodes[id] {
                        PickleValue::Text(text) => text.as_str(),
                        _ => "",
                    };
                    let name = format!("{}.{}", text(module), text(name));
                    // A name is as long as its parts, however often they are recalled.
                    if name.len() > 1000 {
                        return Err("the pickle in it names something too long".to_owned());
                    }
                    self.push(PickleValue::Global(name));
                }
                b')' | b']' => self.push(PickleValue::List(Vec::new())),
                b'}' => self.push(PickleValue::Dict(Vec::new())),
                b't' | b'l' => {
                    let members = self.since_mark()?;
                    self.push(PickleValue::List(members));
                }
                0x85..=0x87 => self.tuple(usize::from(code - 0x84))?,
                b'd' => {
                    let pairs = self.since_mark()?;
                    self.push(PickleValue::Dict(Vec::new()));
                    self.set(&pairs)?;
                }
                b'a' => {
                    let member = self.pop()?;
                    self.append(vec![member])?;
                }
                b'e' => {
                    let members = self.since_mark()?;
                    self.append(members)?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set(&[key, value])?;
                }
                b'u' => {
                    let pairs = self.since_mark()?;
                    self.set(&pairs)?;
                }
                b'R' | 0x81 => self.call()?,
                b'b' => {
                    let given = self.pop()?;
                    let top = self.top()?;
                    if let PickleValue::Call { state, .. } = &mut self.nodes[top] {
                        *state = Some(given);
                    }
                }
                b'Q' => {
                    let stored = self.pop()?;
                    self.push(PickleValue::Stored(stored));
                }
                b'q' => {
                    let at = self.number(1)? as u32;
                    self.remember(at)?;
                }
                b'r' => {
                    let at = self.number(4)? as u32;
                    self.remember(at)?;
                }
                0x94 => self.remember(self.memo.len() as u32)?,
                b'h' => {
                    let at = self.number(1)? as u32;
                    self.recall(at)?;
                }
                b'j' => {
                    let at = self.number(4)? as u32;
                    self.recall(at)?;
                }
                other => {
                    return Err(format!(
                        "the pickle in it holds what is not read here ({other:#04x})"
                    ));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_read() {
        // {'a': [1, -2, (3,)], 'b': 70000, 'b': 7}, and once more by its memo.
        let bytes = b"\x80\x02}q\x00(X\x01\x00\x00\x00a](K\x01J\xfe\xff\xff\xffK\x03\x85eX\x01\x00\x00\x00b\x8a\x03\x70\x11\x01X\x01\x00\x00\x00bK\x07u0h\x00.";
        let pickle = Pickle::read(bytes).unwrap();
        let list = pickle.field(pickle.root(), "a").unwrap();
        let members = pickle.list(list).unwrap();
        assert_eq!(pickle.int(members[0]), Some(1));
        assert_eq!(pickle.int(members[1]), Some(-2));
        assert_eq!(pickle.int(pickle.list(members[2]).unwrap()[0]), Some(3));
        assert_eq!(pickle.int(pickle.field(pickle.root(), "b").unwrap()), Some(7));
        assert_eq!(pickle.field(pickle.root(), "c"), None);
        assert_eq!(pickle.tensor(list), None);
        let fields = serde_json::json!({"a": {}, "b": 7});
        assert_eq!(Value::Object(pickle.fields(pickle.root())), fields);
    }

    #[test]
    fn damage_is_told() {
        let deep = [vec![b')'], vec![0x85; 1_000_000], vec![b'.']].concat();
        assert!(Pickle::read(&deep).is_ok());
        for (bytes, expected) in [
            (&b""[..], "cut"),
            (b"X\xff\xff\xff\xff", "cut"),
            (b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "cut"),
            (b"a.", "not there"),
            (b"e.", "never began"),
            (b"h\x05.", "never had"),
            (b"i.", "not read here (0x69)"),
        ] {
            let error = Pickle::read(bytes).err().unwrap();
            assert!(error.contains(expected), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Pickle::read(&bytes).map(|pickle| {
                let root = pickle.root();
                (pickle.field(root, "a"), pickle.tensor(root), pickle.list(root).map(<[Id]>::len))
            });
        }
    }
}
