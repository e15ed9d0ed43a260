//! `order`: a fixed length, filled in an order that is imposed from without, whatever the model is
//! sure of: the baseline that shows what an order costs.
//!
//! Left to right with n positions a step is the `sequential` of SDAR (`generate.py` of
//! JetAstra/SDAR) and of lmdeploy; right to left and lists of positions are the same with another
//! sequence. In a graph a position waits until everything before it is written, so that those that
//! do not wait for one another can be filled together.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::{
    canvas::Canvas,
    decode::{
        Affects, DecodeError, FillRule, LeftRule, Mode, ParamKind, ParamRole, ParamSpec, Params,
        ask::PassOptions,
        blocks::{BlockEvidence, BlockPolicy, Ends, Picks, Shape, State},
        filtering::Filtering,
        specs::{GEN_LENGTH, SEED, TEMPERATURE_OFF, TOP_K, TOP_P_OFF, count},
    },
};

const SPECS: &[ParamSpec] = &[
    ORDER,
    count(
        "num_transfer_tokens",
        "n",
        (1, 1, 1),
        Affects::Decide,
        "How many positions a step unmasks: the next ones of the order",
    ),
    GEN_LENGTH,
    TEMPERATURE_OFF,
    TOP_P_OFF,
    TOP_K,
    SEED,
];

const ORDER: ParamSpec = ParamSpec {
    name: "order",
    aliases: &[],
    symbol: "order",
    unit: "",
    help: "Which position comes when. A list names every position, ranges run either way; in a \
           graph what stands before > is unmasked first, and every position is named, too",
    kind: ParamKind::Text {
        form: "left_to_right, right_to_left, a list as 3+1+8-4, or a graph as 0>1+2>3;0>4-7",
        default: "left_to_right",
    },
    affects: Affects::Decide,
    role: ParamRole::Other,
};

/// The most edges of a graph.
const MOST_EDGES: usize = 1 << 20;

pub(in crate::decode) struct Order;

pub(in crate::decode) struct Settings {
    order: &'static str,
    at_once: usize,
    length: usize,
    filtering: Filtering,
}

/// Every position once, with what must be written before it.
#[derive(Debug, PartialEq, Eq)]
struct Sequence {
    positions: Vec<usize>,
    /// Of each position; empty where the sequence is all there is.
    before: Vec<Vec<usize>>,
}

impl Sequence {
    /// Reads an order of `length` positions.
    fn read(text: &str, length: usize) -> Result<Self, String> {
        let alone = |positions| Self { positions, before: Vec::new() };
        match text.trim() {
            "left_to_right" => Ok(alone((0..length).collect())),
            "right_to_left" => Ok(alone((0..length).rev().collect())),
            graph if graph.contains('>') => Self::graph(graph, length),
            list => {
                let positions = positions(list, length)?;
                let mut seen = vec![false; length];
                for &at in &positions {
                    if std::mem::replace(&mut seen[at], true) {
                        return Err(format!("position {at} comes twice"));
                    }
                }
                complete(&seen)?;
                Ok(alone(positions))
            }
        }
    }

    /// Statements with `;` between them, each a chain of groups with `>` or `->` between them.
    fn graph(text: &str, length: usize) -> Result<Self, String> {
        let text = text.replace("->", ">");
        let inner = text.trim().trim_end_matches('}');
        let inner = inner.split_once('{').map_or(inner, |(_, inner)| inner);
        let (mut named, mut before) = (vec![false; length], vec![Vec::new(); length]);
        let mut edges = 0;
        for statement in inner.split(';').filter(|part| !part.trim().is_empty()) {
            let mut earlier: Vec<usize> = Vec::new();
            for group in statement.split('>') {
                let group = positions(group, length)?;
                for &at in &group {
                    named[at] = true;
                    edges += earlier.len();
                    if edges > MOST_EDGES {
                        return Err(format!("more than {MOST_EDGES} edges"));
                    }
                    before[at].extend(&earlier);
                }
                earlier = group;
            }
        }
        complete(&named)?;
        for list in &mut before {
            list.sort_unstable();
            list.dedup();
        }
        Self { positions: Vec::new(), before }.sorted()
    }

    /// The positions, each behind those that come before it, the first of the canvas first.
    fn sorted(self) -> Result<Self, String> {
        let length = self.before.len();
        let mut waits: Vec<usize> = self.before.iter().map(Vec::len).collect();
        let mut behind = vec![Vec::new(); length];
        for (at, before) in self.before.iter().enumerate() {
            before.iter().for_each(|&earlier| behind[earlier].push(at));
        }
        let mut ready: BinaryHeap<Reverse<usize>> =
            (0..length).filter(|&at| waits[at] == 0).map(Reverse).collect();
        let mut positions = Vec::with_capacity(length);
        while let Some(Reverse(at)) = ready.pop() {
            positions.push(at);
            for &later in &behind[at] {
                waits[later] -= 1;
                if waits[later] == 0 {
                    ready.push(Reverse(later));
                }
            }
        }
        match (0..length).find(|&at| waits[at] > 0) {
            None => Ok(Self { positions, ..self }),
            Some(stuck) => Err(format!("a cycle: {}", self.cycle(stuck, &waits))),
        }
    }

    /// A cycle among positions that wait for ever, from one of them.
    fn cycle(&self, mut at: usize, waits: &[usize]) -> String {
        let mut path: Vec<usize> = Vec::new();
        while !path.contains(&at) {
            path.push(at);
            // What waits for ever waits for something that does.
            at = self.before[at].iter().copied().find(|&b| waits[b] > 0).unwrap_or(at);
        }
        let from = path.iter().position(|&other| other == at).unwrap_or(0);
        let round = path[from..].iter().rev().chain(path[from..].last());
        round.map(ToString::to_string).collect::<Vec<_>>().join(" > ")
    }

    /// What `at` waits for: the first position before it that holds a mask.
    fn waits_for(&self, at: usize, canvas: &Canvas) -> Option<usize> {
        self.before.get(at)?.iter().copied().find(|&earlier| canvas.is_masked(earlier))
    }
}

/// Positions and ranges with plus signs, commas or spaces between them.
fn positions(text: &str, length: usize) -> Result<Vec<usize>, String> {
    let number = |text: &str| -> Result<usize, String> {
        let number: usize =
            text.trim().parse().map_err(|_| format!("`{}` is no position", text.trim()))?;
        match number < length {
            true => Ok(number),
            false => Err(format!("position {number} is not on a canvas of {length}, from 0")),
        }
    };
    let mut all = Vec::new();
    for part in text.split(['+', ',', ' ']).filter(|part| !part.is_empty()) {
        match part.split_once('-') {
            None => all.push(number(part)?),
            Some((from, to)) => match (number(from)?, number(to)?) {
                (from, to) if from <= to => all.extend(from..=to),
                (from, to) => all.extend((to..=from).rev()),
            },
        }
    }
    match all.is_empty() {
        true => Err(format!("`{}` names no position", text.trim())),
        false => Ok(all),
    }
}

/// Refuses an order without every position.
fn complete(named: &[bool]) -> Result<(), String> {
    let forgotten: Vec<String> =
        (0..named.len()).filter(|&at| !named[at]).map(|at| at.to_string()).collect();
    match forgotten.as_slice() {
        [] => Ok(()),
        [one] => Err(format!("it forgets position {one}")),
        [first @ .., last] if forgotten.len() <= 4 => {
            Err(format!("it forgets positions {} and {last}", first.join(", ")))
        }
        [a, b, c, ..] => {
            Err(format!("it forgets {} positions: {a}, {b}, {c} and others", forgotten.len()))
        }
        _ => Ok(()),
    }
}

impl Settings {
    /// The order on a canvas of this length.
    fn sequence(&self, length: usize) -> Result<Sequence, DecodeError> {
        Sequence::read(self.order, length)
            .map_err(|fault| DecodeError::Unfit(format!("order does not fit: {fault}")))
    }
}

impl BlockPolicy for Order {
    type Settings = Settings;

    const NAME: &'static str = "order";
    const PARAMS: &'static [ParamSpec] = SPECS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Ok(Settings {
            order: params.name(ORDER.name)?,
            at_once: params.count("num_transfer_tokens")?,
            length: params.count(GEN_LENGTH.name)?,
            filtering: Filtering::of(params)?,
        })
    }

    fn fits(canvas: &Canvas, settings: &Settings) -> Result<(), DecodeError> {
        settings.sequence(canvas.len()).map(drop)
    }

    fn shape(settings: &Settings) -> Shape {
        Shape { length: settings.length, block: settings.length }
    }

    fn ask(_: &Canvas, settings: &Settings, _: &State) -> PassOptions {
        settings.filtering.ask()
    }

    fn ends(_: &Settings, _: usize) -> Ends {
        Ends::Full { limit: None }
    }

    fn draws(settings: &Settings) -> bool {
        settings.filtering.temperature > 0.0
    }

    fn pick(evidence: &BlockEvidence, settings: &Settings) -> Result<Picks, DecodeError> {
        let canvas = evidence.canvas;
        let sequence = settings.sequence(canvas.len())?;
        let open = sequence.positions.iter().copied().filter(|at| evidence.candidates.contains(at));
        let mut picks = Picks { mode: Mode::Quota, filled: Vec::new(), left: Vec::new() };
        let mut next: Option<usize> = None;
        for at in open {
            match sequence.waits_for(at, canvas) {
                Some(position) => picks.left.push((at, LeftRule::After { position })),
                None if picks.filled.len() < settings.at_once => {
                    let (rank, quota) = (picks.filled.len() + 1, settings.at_once);
                    next.get_or_insert(at);
                    picks.filled.push((at, FillRule::Quota { rank, quota }));
                }
                None => {
                    let position = next.unwrap_or(at);
                    picks.left.push((at, LeftRule::After { position }));
                }
            }
        }
        Ok(picks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{canvas::SpecialTokens, decode::Recipe};

    #[test]
    fn orders_are_read() {
        let check = |text: &str, expected: &[usize]| {
            assert_eq!(Sequence::read(text, 4).map(|it| it.positions).as_deref(), Ok(expected));
        };
        check("left_to_right", &[0, 1, 2, 3]);
        check(" right_to_left ", &[3, 2, 1, 0]);
        check("2+0+3+1", &[2, 0, 3, 1]);
        check("3-2 0-1", &[3, 2, 0, 1]);
        check("3>0>1;2", &[2, 3, 0, 1]);
        check("digraph order { 1 -> 3; 1 -> 0 -> 2; }", &[1, 0, 2, 3]);
        check("2-3>0+1", &[2, 3, 0, 1]);
        let graph = Sequence::read("0>1+2;1+2>3", 4).unwrap();
        assert_eq!(graph.before, [vec![], vec![0], vec![0], vec![1, 2]]);
    }

    #[test]
    fn what_is_no_order_is_refused_by_name() {
        let check = |text: &str, fault: &str| {
            assert_eq!(Sequence::read(text, 4), Err(fault.to_owned()));
        };
        check("0+1+3", "it forgets position 2");
        check("3", "it forgets positions 0, 1 and 2");
        check("0>1", "it forgets positions 2 and 3");
        check("0-4", "position 4 is not on a canvas of 4, from 0");
        check("0-3+1", "position 1 comes twice");
        check("0>1>2>1;3", "a cycle: 2 > 1 > 2");
        check("0+1>1;2-3", "a cycle: 1 > 1");
        check("backwards", "`backwards` is no position");
        check("0>;1-3", "`` names no position");
        let many = Sequence::read("0", 40).unwrap_err();
        assert_eq!(many, "it forgets 39 positions: 1, 2, 3 and others");
    }

    #[test]
    fn a_run_is_refused_before_it_starts() {
        let special = SpecialTokens { mask: 5, eos: 1 };
        let recipe = Recipe::parse("order:gen_length=4,order=0+1+3").unwrap();
        let refused = recipe.strategy.start(&(&[2]).into(), special, &recipe.params(&[]).unwrap());
        assert_eq!(refused.unwrap_err().to_string(), "order does not fit: it forgets position 2");
    }
}
