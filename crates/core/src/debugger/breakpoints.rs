//! Breakpoints: conditions that stop a run, forward and backward.

use crate::inspect::Condition;

/// A condition at which a run stops.
#[derive(Debug, Clone, PartialEq)]
pub struct Breakpoint {
    /// Its number, from 1; never used again.
    pub id: u32,
    /// The run stops at a node where this holds.
    pub condition: Condition,
    /// False keeps it without stopping.
    pub enabled: bool,
    /// The number of times that the breakpoint stopped a run.
    pub hits: u32,
}

/// The breakpoints of a session.
#[derive(Debug, Clone, Default)]
pub struct Breakpoints {
    list: Vec<Breakpoint>,
    made: u32,
}

impl Breakpoints {
    /// In the order they were made.
    pub fn iter(&self) -> impl Iterator<Item = &Breakpoint> {
        self.list.iter()
    }

    /// The breakpoints that are not disabled.
    pub fn enabled(&self) -> impl Iterator<Item = &Breakpoint> {
        self.list.iter().filter(|point| point.enabled)
    }

    /// Adds one; an equal one is enabled again. Answers its number.
    pub fn add(&mut self, condition: Condition) -> u32 {
        let text = condition.to_string();
        if let Some(known) = self.list.iter_mut().find(|point| point.condition.to_string() == text)
        {
            known.enabled = true;
            return known.id;
        }
        self.made += 1;
        self.list.push(Breakpoint { id: self.made, condition, enabled: true, hits: 0 });
        self.made
    }

    /// Adds one as it was kept, with the number of times that it stopped a run.
    pub fn restore(&mut self, condition: Condition, enabled: bool, hits: u32) {
        let id = self.add(condition);
        for point in self.list.iter_mut().filter(|point| point.id == id) {
            (point.enabled, point.hits) = (enabled, hits);
        }
    }

    /// Enables or disables one, or all; false if there is none of that number.
    pub fn enable(&mut self, id: Option<u32>, on: bool) -> bool {
        let mut found = false;
        for point in self.list.iter_mut().filter(|point| id.is_none_or(|id| point.id == id)) {
            point.enabled = on;
            found = true;
        }
        found
    }

    /// Takes one away, or all; false if there is none of that number.
    pub fn remove(&mut self, id: Option<u32>) -> bool {
        let before = self.list.len();
        self.list.retain(|point| id.is_some_and(|id| point.id != id));
        self.list.len() < before
    }

    /// Counts a stop at each of `ids`.
    pub(super) fn hit(&mut self, ids: &[u32]) {
        for point in self.list.iter_mut().filter(|point| ids.contains(&point.id)) {
            point.hits += 1;
        }
    }
}
