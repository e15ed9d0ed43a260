//! Tests of the screen: a fake model, drawings of every pane and size, and keys in long rows.

mod fake;

#[test]
fn look() {
    let look = crate::tui::Look::default();
    for (w, h, steps) in [(80, 24, 0), (80, 24, 12), (120, 40, 14), (200, 60, 20)] {
        let app = fake::app(look, steps, w, h);
        let buffer = crate::tui::frame::picture(&app, w, h);
        println!("{}", fake::glyphs(&buffer));
        if let Ok(folder) = std::env::var("DEMASK_PICTURES") {
            std::fs::write(format!("{folder}/{w}x{h}-{steps}.svg"), crate::tui::svg(&buffer))
                .unwrap();
        }
    }
}
