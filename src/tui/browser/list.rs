//! The runs of a folder as they are listed: what is kept, in which order, which one is selected and which
//! are marked. It knows neither keys nor cells.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::folder::{FolderChanges, FolderRow, RowState, RunColumn};

/// The list.
pub(super) struct RunList {
    /// Every file, in the order of their paths, and by the filter of which number it is kept.
    files: Vec<(FolderRow, (u64, bool))>,
    /// The files that are shown, in the order shown.
    shown: Vec<usize>,
    /// The number of the filter in force.
    filter: u64,
    /// What names must hold; empty for all.
    name: String,
    column: RunColumn,
    descending: bool,
    selected: Option<PathBuf>,
    marked: BTreeSet<PathBuf>,
}

/// How many files there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ListCounts {
    /// Files that are shown.
    pub shown: usize,
    /// Recordings that are read.
    pub runs: usize,
    /// Files that were not read yet, or not since the filter is another one.
    pub waiting: usize,
    /// Files that cannot be opened.
    pub broken: usize,
    /// Files of other programs that can be imported.
    pub importable: usize,
    /// Files that are left out, because they are something else.
    pub other: usize,
    /// All files.
    pub files: usize,
}

impl RunList {
    pub fn new() -> Self {
        Self {
            files: Vec::new(),
            shown: Vec::new(),
            filter: 0,
            name: String::new(),
            column: RunColumn::Name,
            descending: false,
            selected: None,
            marked: BTreeSet::new(),
        }
    }

    /// Takes in what has changed in the folder.
    pub fn take(&mut self, changes: FolderChanges) {
        let row = self.row_selected();
        if let Some(files) = changes.files {
            let before = std::mem::take(&mut self.files);
            let mut before: BTreeMap<PathBuf, (FolderRow, (u64, bool))> =
                before.into_iter().map(|known| (known.0.file.path.clone(), known)).collect();
            let with_state = |file: crate::folder::FoundFile| match before.remove(&file.path) {
                Some((row, keeps)) => (FolderRow { file, ..row }, keeps),
                None => (FolderRow::waiting(file), (0, true)),
            };
            self.files = files.into_iter().map(with_state).collect();
            let files = &self.files;
            let there =
                |path: &PathBuf| files.binary_search_by(|(row, _)| row.file.path.cmp(path)).is_ok();
            self.marked.retain(there);
        }
        for (path, read) in changes.read {
            let at = self.files.binary_search_by(|(row, _)| row.file.path.cmp(&path));
            if let Some((row, keeps)) = at.ok().and_then(|at| self.files.get_mut(at)) {
                (row.state, *keeps) = (read.state, read.keeps);
            }
        }
        self.show(row);
    }

    fn refresh(&mut self) {
        self.show(self.row_selected());
    }

    /// Works out what is shown. The selection stays on its file, or where that is not shown any more, on its
    /// row.
    fn show(&mut self, row: Option<usize>) {
        let wanted = self.name.to_lowercase();
        let shown = self.files.iter().enumerate().filter(|(_, (row, keeps))| {
            row.is_listed()
                && row.name().to_lowercase().contains(&wanted)
                && (self.filter == 0 || *keeps == (self.filter, true))
        });
        self.shown = shown.map(|(at, _)| at).collect();
        let (files, column, descending) = (&self.files, self.column, self.descending);
        self.shown.sort_by(|&a, &b| column.order(&files[a].0, &files[b].0, descending));
        if self.row_selected().is_none() {
            self.select(row.unwrap_or(0));
        }
    }

    /// The row of the selection.
    pub fn row_selected(&self) -> Option<usize> {
        let path = self.selected.as_ref()?;
        self.shown.iter().position(|&at| self.files[at].0.file.path == *path)
    }

    /// Selects a row, or the last one.
    pub fn select(&mut self, row: usize) {
        let row = row.min(self.shown.len().saturating_sub(1));
        self.selected = self.shown.get(row).map(|&at| self.files[at].0.file.path.clone());
    }

    /// Selects so many rows further up or down.
    pub fn select_by(&mut self, rows: isize) {
        self.select(self.row_selected().unwrap_or(0).saturating_add_signed(rows));
    }

    /// The file selected.
    pub fn selected(&self) -> Option<&FolderRow> {
        Some(&self.files[self.shown[self.row_selected()?]].0)
    }

    /// The rows shown, in order.
    pub fn rows(&self) -> impl Iterator<Item = &FolderRow> {
        self.shown.iter().map(|&at| &self.files[at].0)
    }

    /// Marks the selected run, or unmarks it; false if it is no run.
    pub fn mark(&mut self) -> bool {
        let Some(path) = self.selected().filter(|row| row.run().is_some()) else { return false };
        let path = path.file.path.clone();
        if !self.marked.remove(&path) {
            self.marked.insert(path);
        }
        true
    }

    /// Unmarks all; false if none was marked.
    pub fn unmark(&mut self) -> bool {
        let some = !self.marked.is_empty();
        self.marked.clear();
        some
    }

    pub fn is_marked(&self, path: &Path) -> bool {
        self.marked.contains(path)
    }

    /// The marked files, in the order of their paths.
    pub fn marked(&self) -> impl Iterator<Item = &Path> {
        self.marked.iter().map(PathBuf::as_path)
    }

    /// The column that decides the order, and whether the largest comes first.
    pub fn order(&self) -> (RunColumn, bool) {
        (self.column, self.descending)
    }

    /// Orders the rows.
    pub fn order_by(&mut self, column: RunColumn, descending: bool) {
        (self.column, self.descending) = (column, descending);
        self.refresh();
    }

    /// What names must hold.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Keeps the files whose name holds a text, in letters of either case.
    pub fn filter_name(&mut self, text: &str) {
        text.clone_into(&mut self.name);
        self.refresh();
    }

    /// Keeps the runs that the filter of this number keeps; with 0 all.
    pub fn filter_runs(&mut self, number: u64) {
        self.filter = number;
        self.refresh();
    }

    pub fn counts(&self) -> ListCounts {
        let mut counts = ListCounts {
            shown: self.shown.len(),
            files: self.files.len(),
            ..ListCounts::default()
        };
        for (row, (number, _)) in &self.files {
            let stale = self.filter > 0 && *number != self.filter;
            match row.state {
                RowState::Waiting => counts.waiting += 1,
                RowState::Read(_) => {
                    counts.runs += 1;
                    counts.waiting += usize::from(stale);
                }
                RowState::Broken(_) => counts.broken += 1,
                RowState::Importable(_) => counts.importable += 1,
                RowState::Other => counts.other += 1,
            }
        }
        counts
    }

    /// The greatest length of the runs shown, positions: one scale for all their curves.
    pub fn longest(&self) -> u32 {
        let lengths = self.rows().filter_map(FolderRow::run).flat_map(|run| &run.lengths);
        lengths.copied().max().unwrap_or(0)
    }

    /// The longest name of those shown, characters.
    pub fn longest_name(&self) -> usize {
        self.rows().map(|row| row.name().chars().count()).max().unwrap_or(0)
    }
}
