//! A picture under construction: the few shapes that figures are made of, as SVG.
//!
//! Colours are classes, set by one style sheet for light and dark grounds: a file carries it
//! inside, a page once for all its pictures. Every text is escaped here and nowhere else.

use std::fmt::Write as _;

use super::text::{fit, fit_middle, xml};

/// The colours and strokes of all figures.
pub(super) const STYLE: &str = include_str!("figure.css");

/// Series that look different: colour, dashes and marker.
pub(super) const LOOKS: usize = 6;

/// Where a text stands to its point.
#[derive(Debug, Clone, Copy)]
pub(super) enum TextAnchor {
    Start,
    Middle,
    End,
}

/// A picture. Units are pixels at full width; y grows downward.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    id: String,
    title: String,
    description: String,
    body: String,
    /// Height of what is drawn so far.
    pub height: f64,
}

/// Width of every picture.
pub(super) const WIDTH: f64 = 560.0;

impl Picture {
    /// An empty one. `id` is of letters, digits and dashes, and no other picture's of the page.
    pub fn new(id: &str, title: &str, description: &str, height: f64) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            description: description.to_owned(),
            body: String::new(),
            height,
        }
    }

    /// Gives it another `id`.
    pub fn rename(&mut self, id: &str) {
        let hatch = |id: &str| format!("url(#{id}-hatch)");
        self.body = self.body.replace(&hatch(&self.id), &hatch(id));
        id.clone_into(&mut self.id);
    }

    pub fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(number);
        let _ =
            write!(self.body, r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#);
    }

    pub fn path(&mut self, class: &str, points: &[(f64, f64)]) {
        let points: Vec<String> =
            points.iter().map(|(x, y)| format!("{},{}", number(*x), number(*y))).collect();
        let _ = write!(self.body, r#"<polyline class="{class}" points="{}"/>"#, points.join(" "));
    }

    /// A rectangle from its left upper corner; `told` is shown where a pointer rests on it.
    pub fn rect(&mut self, class: &str, at: (f64, f64), size: (f64, f64), told: &str) {
        self.shape(&format!(r#"class="{class}""#), at, size, told);
    }

    /// A rectangle of one colour on every ground.
    pub fn cell(&mut self, [r, g, b]: [u8; 3], at: (f64, f64), size: (f64, f64), told: &str) {
        self.shape(&format!(r##"fill="#{r:02x}{g:02x}{b:02x}""##), at, size, told);
    }

    /// A rectangle hatched as "no data".
    pub fn hatched(&mut self, at: (f64, f64), size: (f64, f64), told: &str) {
        self.shape(&format!(r##"fill="url(#{}-hatch)""##, self.id), at, size, told);
    }

    fn shape(&mut self, fill: &str, (x, y): (f64, f64), (width, height): (f64, f64), told: &str) {
        let [x, y, width, height] = [x, y, width.max(0.0), height.max(0.0)].map(number);
        let _ =
            write!(self.body, r#"<rect {fill} x="{x}" y="{y}" width="{width}" height="{height}""#);
        let _ = match told {
            "" => write!(self.body, "/>"),
            told => write!(self.body, "><title>{}</title></rect>", xml(told)),
        };
    }

    pub fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: TextAnchor, text: &str) {
        let anchor = match anchor {
            TextAnchor::Start => "start",
            TextAnchor::Middle => "middle",
            TextAnchor::End => "end",
        };
        let _ = write!(
            self.body,
            r#"<text class="{class}" x="{}" y="{}" text-anchor="{anchor}">{}</text>"#,
            number(x),
            number(y),
            xml(text)
        );
    }

    /// The same, read from below.
    pub fn upright(&mut self, (x, y): (f64, f64), text: &str) {
        let (x, y) = (number(x), number(y));
        let _ = write!(
            self.body,
            r#"<text class="dim" transform="translate({x} {y}) rotate(-90)" text-anchor="middle">{}</text>"#,
            xml(text)
        );
    }

    /// The marker of a series: a shape as well as a colour.
    pub fn marker(&mut self, look: usize, (x, y): (f64, f64)) {
        let look = look % LOOKS;
        let shape = match look {
            0 => "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
            1 => "M-4-4h8v8h-8z",
            2 => "M0-5L5 4H-5z",
            3 => "M0-5.5L5.5 0L0 5.5L-5.5 0z",
            4 => "M-5-4H5L0 5z",
            _ => "M-5-1.5h3.5V-5h3v3.5H5v3H1.5V5h-3V1.5H-5z",
        };
        let (x, y) = (number(x), number(y));
        let _ = write!(
            self.body,
            r#"<path class="f{look} mark" d="{shape}" transform="translate({x} {y})"/>"#
        );
    }

    /// A vertical whisker with ends, around a marker.
    pub fn whisker(&mut self, look: usize, x: f64, (low, high): (f64, f64)) {
        let class = format!("s{} whisker", look % LOOKS);
        self.line(&class, (x, low), (x, high));
        for y in [low, high] {
            self.line(&class, (x - 4.0, y), (x + 4.0, y));
        }
    }

    /// An entry of the legend, below all that is drawn so far.
    pub fn legend(&mut self, look: usize, line: bool, text: &str) {
        let y = self.height + 6.0;
        if line {
            self.line(&format!("s{} line", look % LOOKS), (10.0, y), (46.0, y));
        }
        self.marker(look, (28.0, y));
        self.text("ink", (56.0, y + 5.0), TextAnchor::Start, &fit_middle(text, 56));
        self.height += 22.0;
    }

    /// A note below all that is drawn so far.
    pub fn note(&mut self, text: &str) {
        self.text("dim", (10.0, self.height + 11.0), TextAnchor::Start, &fit(text, 68));
        self.height += 22.0;
    }

    /// For a page, which has [`STYLE`] once.
    pub fn inline(&self) -> String {
        self.svg("", "")
    }

    /// For a file of its own.
    pub fn file(&self) -> String {
        let space = r#" xmlns="http://www.w3.org/2000/svg""#;
        self.svg(space, &format!("<style>{STYLE}</style>")) + "\n"
    }

    fn svg(&self, space: &str, style: &str) -> String {
        let Self { id, title, description, body, height } = self;
        let (title, description, height) = (xml(title), xml(description), number(height + 6.0));
        let hatch = match body.contains("-hatch)") {
            true => format!(
                r#"<defs><pattern id="{id}-hatch" width="6" height="6" patternUnits="userSpaceOnUse"><path class="hatch" d="M0 6L6 0"/></pattern></defs>"#
            ),
            false => String::new(),
        };
        format!(
            r#"<svg{space} class="figure" role="img" aria-labelledby="{id}-title {id}-description" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"><title id="{id}-title">{title}</title><desc id="{id}-description">{description}</desc>{style}{hatch}<rect class="ground" width="{WIDTH}" height="{height}"/>{body}</svg>"#
        )
    }
}

/// One decimal at most.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{fake::EVIL, well_formed::check},
        *,
    };

    #[test]
    fn a_picture_is_well_formed_whatever_is_written_into_it() {
        let mut picture = Picture::new("x", EVIL, EVIL, 100.0);
        picture.text("ink", (0.0, 0.0), TextAnchor::Middle, EVIL);
        picture.upright((0.0, 0.0), EVIL);
        picture.rect("bar0", (1.0, 2.0), (3.0, -4.0), EVIL);
        picture.hatched((1.0, 2.0), (3.0, 4.0), EVIL);
        picture.legend(7, true, EVIL);
        picture.note(EVIL);
        for svg in [picture.inline(), picture.file()] {
            check(&svg);
            assert!(!svg.contains("<script"));
        }
    }

    #[test]
    fn numbers_are_short() {
        for (value, expected) in [(1.0, "1"), (1.25, "1.2"), (-0.04, "-0"), (100.06, "100.1")] {
            assert_eq!(number(value), expected);
        }
    }
}
