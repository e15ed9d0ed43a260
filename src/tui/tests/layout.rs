//! Panes lie inside the screen, beside each other, and all of them can be had.

use ratatui::layout::Rect;

use crate::tui::{
    app::{
        Action, Keymap,
        layout::{Choice, Size, divide},
        pane::{Pane, Region},
    },
    panes,
};

/// Thirty rows of text, four blocks, sixty steps, twelve parameters.
fn choice() -> Choice {
    let mut rows = [None; Region::COUNT];
    for (region, wanted) in
        [(Region::Main, 30), (Region::Under, 4), (Region::Lowest, 60), (Region::RightBottom, 16)]
    {
        rows[region as usize] = Some(wanted);
    }
    Choice { tab: Pane::EOS, panes: panes::at_start(), rows, lowest_only: false, zoom: None }
}

fn every_choice() -> Vec<Choice> {
    let mut choices = Vec::new();
    for zoom in [None, Some(Pane::CANVAS), Some(Pane::TIMELINE), Some(Pane::LOG)] {
        for blocks in [0, 4, 64] {
            for lowest_only in [true, false] {
                for (tab, _) in panes::tabs() {
                    let mut choice = Choice { tab, zoom, lowest_only, ..choice() };
                    choice.rows[Region::Under as usize] = Some(blocks);
                    choices.push(choice);
                }
            }
        }
    }
    choices
}

#[test]
fn every_pane_is_listed_once_and_has_a_region_and_a_key() {
    let titles: Vec<&str> = panes::PANES.iter().map(|pane| pane.title()).collect();
    for (at, title) in titles.iter().enumerate() {
        assert!(!titles[..at].contains(title), "{title} twice");
        assert_eq!(panes::titled(title).map(|pane| pane.title()), Some(*title));
    }
    for (region, pane) in panes::at_start().into_iter().enumerate() {
        assert_eq!(pane.region() as usize, region, "{pane:?}");
    }
    for (number, (pane, _)) in (1..).zip(panes::tabs()) {
        assert!(!Keymap::default().keys(Action::Pane(number)).is_empty(), "{pane:?}");
    }
}

#[test]
fn panes_neither_overlap_nor_leave_the_screen() {
    let sizes = [
        (40, 10),
        (80, 24),
        (99, 40),
        (100, 24),
        (100, 30),
        (110, 32),
        (120, 40),
        (180, 48),
        (200, 60),
        (250, 80),
    ];
    for (width, height) in sizes {
        let screen = Rect::new(0, 0, width, height);
        for choice in &every_choice() {
            let areas = divide(width, height, choice).expect("large enough");
            let mut all: Vec<Rect> = areas.panes.iter().map(|(_, area)| *area).collect();
            all.extend([areas.title, areas.hints]);
            all.extend(areas.strip.iter().chain(&areas.message).chain(&areas.rules));
            let mut covered = 0;
            for (at, area) in all.iter().enumerate() {
                assert_eq!(area.intersection(screen), *area, "{width}×{height} {choice:?}");
                covered += area.area();
                for other in &all[..at] {
                    assert!(!area.intersects(*other), "{width}×{height} {choice:?} {areas:?}");
                }
            }
            assert_eq!(covered, screen.area(), "nothing lies bare at {width}×{height}");
        }
    }
}

#[test]
fn the_sizes_of_the_design_show_what_they_should() {
    for (width, height, size, panes) in [
        (39, 10, Size::TooSmall, 0),
        (40, 9, Size::TooSmall, 0),
        (80, 24, Size::Compact, 3),
        (100, 24, Size::Compact, 4),
        (100, 30, Size::Medium, 8),
        (120, 40, Size::Medium, 8),
        (200, 60, Size::Large, 8),
    ] {
        assert_eq!(Size::of(width, height), size);
        let shown = divide(width, height, &choice()).map_or(0, |areas| areas.panes.len());
        assert_eq!(shown, panes, "{width}×{height}");
    }
}

#[test]
fn the_canvas_keeps_a_fair_share() {
    for choice in every_choice().iter().filter(|choice| choice.zoom.is_none()) {
        for (width, height, least) in [(80, 24, 7), (100, 24, 7), (120, 40, 12), (200, 60, 20)] {
            let areas = divide(width, height, choice).expect("large enough");
            let canvas = areas.of(Pane::CANVAS).expect("always shown");
            assert!(canvas.height >= least, "{width}×{height} {choice:?}: {canvas:?}");
        }
    }
}

#[test]
fn text_and_waterfall_share_what_there_is() {
    // Rows of text, steps, and rows that both get at 200×60, headings among them.
    for (text, steps, expected) in [
        (3, 60, (8, 33)),
        (14, 60, (16, 25)),
        (30, 60, (24, 17)),
        // A run of nine steps leaves the rest to a long text, and none to a short one.
        (30, 9, (29, 12)),
        (3, 9, (8, 33)),
    ] {
        let mut choice = choice();
        choice.rows[Region::Main as usize] = Some(text);
        choice.rows[Region::Lowest as usize] = Some(steps);
        let areas = divide(200, 60, &choice).expect("large enough");
        let height = |pane| areas.of(pane).map_or(0, |area| area.height);
        assert_eq!((height(Pane::CANVAS), height(Pane::WATERFALL)), expected, "{text} {steps}");
    }
}

#[test]
fn panes_stay_where_they_are_while_a_line_is_added() {
    let heights = |text| {
        let mut choice = choice();
        choice.rows[Region::Main as usize] = Some(text);
        divide(120, 40, &choice).expect("large enough").of(Pane::CANVAS).map(|area| area.height)
    };
    assert_eq!(heights(8), heights(9));
}
