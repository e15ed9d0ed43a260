//! Panes lie inside the screen, beside each other, and all of them can be had.

use ratatui::layout::Rect;

use crate::tui::layout::{Choice, Pane, Size, divide};

const CHOICE: Choice =
    Choice { tab: Pane::Eos, waterfall: false, session: false, zoom: None, blocks: 4, params: 12 };

fn every_choice() -> impl Iterator<Item = Choice> {
    let zooms = [None, Some(Pane::Canvas), Some(Pane::Timeline), Some(Pane::Log)];
    zooms.into_iter().flat_map(|zoom| {
        [0, 4, 64].into_iter().flat_map(move |blocks| {
            [true, false].into_iter().flat_map(move |waterfall| {
                Pane::TABS.into_iter().map(move |tab| Choice {
                    session: false,
                    tab,
                    waterfall,
                    zoom,
                    blocks,
                    params: 12,
                })
            })
        })
    })
}

#[test]
fn panes_neither_overlap_nor_leave_the_screen() {
    let sizes =
        [(40, 10), (80, 24), (109, 31), (110, 32), (120, 40), (180, 48), (200, 60), (250, 80)];
    for (width, height) in sizes {
        let screen = Rect::new(0, 0, width, height);
        for choice in every_choice() {
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
        (120, 40, Size::Medium, 7),
        (200, 60, Size::Large, 8),
    ] {
        assert_eq!(Size::of(width, height), size);
        let shown = divide(width, height, CHOICE).map_or(0, |areas| areas.panes.len());
        assert_eq!(shown, panes, "{width}×{height}");
    }
}

#[test]
fn the_canvas_keeps_a_fair_share() {
    for choice in every_choice().filter(|choice| choice.zoom.is_none()) {
        for (width, height, least) in [(80, 24, 7), (120, 40, 14), (200, 60, 20)] {
            let areas = divide(width, height, choice).expect("large enough");
            let canvas = areas.of(Pane::Canvas).expect("always shown");
            assert!(canvas.height >= least, "{width}×{height} {choice:?}: {canvas:?}");
        }
    }
}
