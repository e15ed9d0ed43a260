//! `demask export`: recordings for browsers, pictures, readers and data tools.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{
    Args, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};

use super::{
    ConfigOptions, Fault, LookOptions,
    fault::{tell_cut, unwritable},
    files,
    help::listed,
    open, options,
    recording::{screen, shown_name},
    replay::{self, go, picture_look, same_file, terminal_colors},
    stop,
};
use crate::{
    export::{
        self, BeginRows, Document, ExportError, ExportFormat, FORMATS, Make, Screens, Table, Tables,
    },
    trace::{self, Recording, TraceError, WholeFile},
    tui::{self, Palette, Shade},
};

#[derive(Debug, Args)]
pub struct ExportArgs {
    #[arg(value_names = ["FILE", "OUT"], num_args = 1.., required = true, help = paths_help())]
    paths: Vec<PathBuf>,
    /// What to make, whatever the ending says
    #[arg(long, value_name = "KIND", hide_possible_values = true, value_parser = format_parser())]
    to: Option<ExportFormat>,
    /// Write over OUT if it exists
    #[arg(long)]
    overwrite: bool,
    #[arg(long, value_name = "N", help = step_help())]
    step: Option<usize>,
    #[arg(long, value_name = "TABLE", help = table_help())]
    table: Option<TableName>,
    #[arg(long, value_name = "WxH", default_value = "120x40", value_parser = replay::size, help = size_help())]
    size: (u16, u16),
    /// Draw this pane alone, with a legend: canvas, blocks, waterfall, eos, inspector, … In an SVG it has print
    /// size, type of 7 points: 57 columns are 85 mm wide, 115 are 170 mm; and light colours
    #[arg(long, value_name = "PANE")]
    pane: Option<String>,
    #[arg(long, value_name = "N", default_value = "5", value_parser = speed, help = speed_help())]
    speed: f64,
    #[command(flatten)]
    look: LookOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TableName {
    Steps,
    Positions,
}

impl From<TableName> for Table {
    fn from(name: TableName) -> Self {
        match name {
            TableName::Steps => Self::Steps,
            TableName::Positions => Self::Positions,
        }
    }
}

fn format_parser() -> impl TypedValueParser<Value = ExportFormat> {
    let names = FORMATS.map(|format| PossibleValue::new(format.name).help(format.help));
    PossibleValuesParser::new(names)
        .try_map(|name| export::format(&name).ok_or("there is no such format"))
}

/// The formats of a kind, each in words.
fn formats(
    of: impl Fn(&ExportFormat) -> bool,
    word: impl Fn(&ExportFormat) -> String,
) -> Vec<String> {
    FORMATS.iter().filter(|format| of(format)).map(word).collect()
}

fn ending(format: &ExportFormat) -> String {
    format!(".{}", format.name)
}

fn name(format: &ExportFormat) -> String {
    format.name.to_owned()
}

fn has_step(format: &ExportFormat) -> bool {
    format.step.is_some()
}

fn is_table(format: &ExportFormat) -> bool {
    matches!(format.make, Make::Rows { .. })
}

fn paths_help() -> String {
    let endings = formats(|_| true, ending).join(" ");
    format!(
        "Recordings, then the file to make, whose ending says what: {endings}; or - for standard \
         output. Tables may be of many recordings, and of all in a folder"
    )
}

fn step_help() -> String {
    let word =
        |format: &ExportFormat| format!("{} ({})", format.step.unwrap_or_default(), format.name);
    let what = formats(has_step, word).join(", ");
    format!("The step of the branch left last: {what} [default: the start]")
}

fn table_help() -> String {
    let usual = [Table::Positions, Table::Steps].map(|table| {
        let of =
            |format: &ExportFormat| matches!(format.make, Make::Rows { usual, .. } if usual == table);
        format!("{} for {}", table.name(), listed(&formats(of, name), "and"))
    });
    format!("Which table: steps or positions [default: {}]", usual.join(", "))
}

fn size_help() -> String {
    let drawn = |format: &ExportFormat| matches!(format.make, Make::Screens { .. });
    format!("Size of the screen in characters ({})", formats(drawn, name).join(", "))
}

fn speed_help() -> String {
    let timed = |format: &ExportFormat| matches!(format.make, Make::Screens { timed: true, .. });
    format!("Steps a second ({})", formats(timed, name).join(", "))
}

fn speed(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|speed| (0.01..=1000.0).contains(speed));
    number.ok_or_else(|| "expected steps a second, 0.01..=1000".to_owned())
}

pub fn main(args: &ExportArgs, options: &ConfigOptions) -> Result<ExitCode, Fault> {
    let (out, files) = match args.paths.split_last() {
        Some((out, files)) if !files.is_empty() => (out, files),
        _ => return Err(Fault::usage("give a recording, and behind it the file to make")),
    };
    let to = args.to.map_or_else(|| by_ending(out), Ok)?;
    fits(args, &to)?;
    let tables = formats(is_table, ending).join(", ");
    if let Some(folder) = files.iter().find(|file| !is_table(&to) && file.is_dir()) {
        return Err(Fault::usage(format!(
            "{}: only tables ({tables}) are of a whole folder. Give one recording",
            folder.display()
        )));
    }
    // A table that leaves one out would look whole.
    let files: Vec<PathBuf> = files::recordings(files).into_iter().collect::<Result<_, _>>()?;
    let Some(first) = files.first() else {
        return Err(Fault::usage("give a recording, and behind it the file to make"));
    };
    if files.len() > 1 && !is_table(&to) {
        return Err(Fault::usage(format!(
            "{} recordings: only tables ({tables}) are of more than one. Give one",
            files.len()
        )));
    }
    if files.iter().any(|file| same_file(file, out)) {
        let out = out.display();
        return Err(Fault::usage(format!("{out} is one of the recordings. Give another name")));
    }
    open::nothing_lost(args.overwrite, out)?;
    let mut made = ExportFile::begin(out)?;
    let written = write(args, options, &to, first, &files, &mut made.file)
        .and_then(|()| made.finish().map_err(|error| ExportError::Io(error).into()));
    match written {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(ExportFailed::Fault(fault)) => Err(fault),
        // Who read as much as was wanted is not failed.
        Err(ExportFailed::Export(ExportError::Io(error)))
            if error.kind() == io::ErrorKind::BrokenPipe =>
        {
            Ok(ExitCode::SUCCESS)
        }
        Err(ExportFailed::Export(error)) => {
            Err(Fault::failure(format!("{}: {error}", out.display())))
        }
    }
}

/// Why nothing was made.
enum ExportFailed {
    /// It is told whole.
    Fault(Fault),
    /// The file to make is not named yet.
    Export(ExportError),
}

impl From<Fault> for ExportFailed {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<TraceError> for ExportFailed {
    fn from(error: TraceError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<ExportError> for ExportFailed {
    fn from(error: ExportError) -> Self {
        Self::Export(error)
    }
}

fn by_ending(out: &Path) -> Result<ExportFormat, Fault> {
    let ending = out.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    export::format(&ending.to_ascii_lowercase()).ok_or_else(|| {
        Fault::usage(format!(
            "{}: the last name is the file to make, and ends in {}. Give such a name, or say \
             which with --to",
            out.display(),
            listed(&formats(|_| true, self::ending), "or")
        ))
    })
}

/// Options that would do nothing are a mistake.
fn fits(args: &ExportArgs, to: &ExportFormat) -> Result<(), Fault> {
    if args.step.is_some() && !has_step(to) {
        let those = listed(&formats(has_step, ending), "and");
        return Err(Fault::usage(format!("--step is for {those}; tables have every step")));
    }
    if args.pane.is_some() && !matches!(to.make, Make::Screens { .. }) {
        let drawn = |format: &ExportFormat| matches!(format.make, Make::Screens { .. });
        let those = listed(&formats(drawn, ending), "and");
        return Err(Fault::usage(format!("--pane is for {those}")));
    }
    if args.table.is_some() && !is_table(to) {
        let those = listed(&formats(is_table, ending), "and");
        return Err(Fault::usage(format!("--table is for {those}")));
    }
    Ok(())
}

fn write(
    args: &ExportArgs,
    options: &ConfigOptions,
    to: &ExportFormat,
    first: &Path,
    files: &[PathBuf],
    out: &mut ExportWriter,
) -> Result<(), ExportFailed> {
    let step = args.step.unwrap_or(0);
    match to.make {
        Make::Rows { usual, begin } => {
            tables(args.table.map_or(usual, Table::from), begin, files, out)
        }
        Make::Document(write) => {
            // The configuration is not asked for what has no colours.
            let colors = match has_step(to) {
                true => tui::css(options.read()?.colors),
                false => String::new(),
            };
            let theme = args.look.theme.map(|theme| match theme {
                options::Background::Dark => "dark",
                options::Background::Light => "light",
            });
            let (name, recording) = (&*shown_name(first), &opened(first)?);
            go(&mut recording.session(), step)?;
            Ok(write(&Document { name, recording, step, colors: &colors, theme }, out)?)
        }
        Make::Screens { write, .. } => {
            let config = options.read()?;
            let mut look = picture_look(&args.look, &config);
            let print =
                args.pane.is_some() && matches!(to.make, Make::Screens { timed: false, .. });
            if print && args.look.theme.is_none() {
                // For paper.
                look.shade = Shade::Light;
            }
            let recording = opened(first)?;
            let mut session = recording.session();
            go(&mut session, step)?;
            let title = crate::escape::one_line(&recording.prompt());
            let start = screen(&recording, session, first, look, &config);
            let screens: &mut dyn Iterator<Item = _> = match &args.pane {
                None => &mut tui::frames(start, args.size),
                Some(pane) => &mut tui::pane_frames(start, pane, args.size)
                    .map_err(|error| Fault::usage(format!("--pane: {error}")))?,
            };
            let screens = Screens {
                screens,
                size: args.size,
                title: &title,
                speed: args.speed,
                colored: look.palette != Palette::Mono,
                terminal: terminal_colors(look),
                points: print.then_some(export::PRINT_POINTS),
            };
            Ok(write(screens, out)?)
        }
    }
}

/// A recording. What is made of one that is cut does not show that it is.
fn opened(file: &Path) -> Result<Recording, TraceError> {
    let recording = trace::read(file)?;
    tell_cut(&recording, file);
    Ok(recording)
}

/// One recording after the other: no more than one is in memory.
fn tables(
    table: Table,
    begin: BeginRows,
    files: &[PathBuf],
    out: &mut ExportWriter,
) -> Result<(), ExportFailed> {
    let mut tables = Tables::begin(table, begin, out)?;
    for file in files {
        let recording = opened(file)?;
        // As it was given: two of many may have one name in different folders.
        tables.add(&replay::shown_file(file), &recording)?;
    }
    Ok(tables.finish()?)
}

type ExportWriter = BufWriter<File>;

/// The file that is made, or standard output.
struct ExportFile {
    file: ExportWriter,
    whole: Option<WholeFile>,
}

impl ExportFile {
    fn begin(out: &Path) -> Result<Self, Fault> {
        let (file, whole) = match out == Path::new("-") {
            true => (stdout().map_err(|error| unwritable(out, &error))?, None),
            false => {
                let begun = WholeFile::begin(out, |part| stop::removing(part.to_owned()));
                let (file, whole) = begun.map_err(|error| match error.kind() {
                    io::ErrorKind::IsADirectory => Fault::usage(unwritable(out, &error)),
                    _ => unwritable(out, &error),
                })?;
                (file, Some(whole))
            }
        };
        Ok(Self { file: BufWriter::new(file), whole })
    }

    fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        self.whole.map_or(Ok(()), WholeFile::finish)
    }
}

fn stdout() -> io::Result<File> {
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}
