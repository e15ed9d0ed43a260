//! `demask export`: recordings for browsers, pictures, people and data tools.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};

use super::{
    ConfigOptions, Fault, LookOptions,
    fault::{tell_cut, unwritable},
    files, open, options,
    replay::{self, draw, go, picture_look, same_file, screen, shown_name},
    stop,
};
use crate::{
    trace::{
        self, Recording, TraceError, Whole,
        export::{self, Dress, ExportError, Table, Tables},
    },
    tui,
};

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Recordings, then the file to make, whose ending says what: .html .svg .cast .md .csv .ndjson
    /// .parquet; or - for standard output. Tables may be of many recordings, and of all in a folder
    #[arg(value_names = ["FILE", "OUT"], num_args = 1.., required = true)]
    paths: Vec<PathBuf>,
    /// What to make, whatever the ending says
    #[arg(long, value_enum, value_name = "KIND", hide_possible_values = true)]
    to: Option<To>,
    /// Write over OUT if it exists
    #[arg(long)]
    overwrite: bool,
    /// The step of the branch left last: drawn (svg), opened at (html), begun with (cast) [default: the start]
    #[arg(long, value_name = "N")]
    step: Option<usize>,
    /// Which table: steps or positions [default: positions for parquet, steps for csv and ndjson]
    #[arg(long, value_name = "TABLE")]
    table: Option<TableName>,
    /// Size of the screen in characters (svg, cast)
    #[arg(long, value_name = "WxH", default_value = "120x40", value_parser = replay::size)]
    size: (u16, u16),
    /// Steps a second (cast)
    #[arg(long, value_name = "N", default_value = "5", value_parser = speed)]
    speed: f64,
    #[command(flatten)]
    look: LookOptions,
}

/// What can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    /// A page that plays the run.
    Html,
    /// One screen.
    Svg,
    /// The run as an asciicast.
    Cast,
    /// A report.
    Md,
    /// A table as text.
    Csv,
    /// A table as JSON, an object a line.
    Ndjson,
    /// A table for data tools.
    Parquet,
}

impl To {
    fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Ndjson | Self::Parquet)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TableName {
    Steps,
    Positions,
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
    fits(args, to)?;
    let tables = to.is_table();
    if let Some(folder) = files.iter().find(|file| !tables && file.is_dir()) {
        return Err(Fault::usage(format!(
            "{}: only tables (.csv, .ndjson, .parquet) are of a whole folder. Give one recording",
            folder.display()
        )));
    }
    // A table that leaves one out would look whole.
    let files: Vec<PathBuf> = files::recordings(files).into_iter().collect::<Result<_, _>>()?;
    let Some(first) = files.first() else {
        return Err(Fault::usage("give a recording, and behind it the file to make"));
    };
    if files.len() > 1 && !tables {
        return Err(Fault::usage(format!(
            "{} recordings: only tables (.csv, .ndjson, .parquet) are of more than one. Give one",
            files.len()
        )));
    }
    if files.iter().any(|file| same_file(file, out)) {
        let out = out.display();
        return Err(Fault::usage(format!("{out} is one of the recordings. Give another name")));
    }
    open::nothing_lost(args.overwrite, out)?;
    let mut made = Making::begin(out)?;
    let written = write(args, options, to, first, &files, &mut made.file)
        .and_then(|()| made.finish().map_err(|error| ExportError::Io(error).into()));
    match written {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Failed::Fault(fault)) => Err(fault),
        // Who read as much as was wanted is not failed.
        Err(Failed::Export(ExportError::Io(error)))
            if error.kind() == io::ErrorKind::BrokenPipe =>
        {
            Ok(ExitCode::SUCCESS)
        }
        Err(Failed::Export(error)) => Err(Fault::failure(format!("{}: {error}", out.display()))),
    }
}

/// Why nothing was made.
enum Failed {
    /// It is told whole.
    Fault(Fault),
    /// The file to make is not named yet.
    Export(ExportError),
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<TraceError> for Failed {
    fn from(error: TraceError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<ExportError> for Failed {
    fn from(error: ExportError) -> Self {
        Self::Export(error)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Export(error.into())
    }
}

fn by_ending(out: &Path) -> Result<To, Fault> {
    let ending = out.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    To::from_str(ending, true).map_err(|_| {
        Fault::usage(format!(
            "{}: the last name is the file to make, and ends in .html, .svg, .cast, .md, .csv, \
             .ndjson or .parquet. Give such a name, or say which with --to",
            out.display()
        ))
    })
}

/// Options that would do nothing are a mistake.
fn fits(args: &ExportArgs, to: To) -> Result<(), Fault> {
    let screens = matches!(to, To::Html | To::Svg | To::Cast);
    if args.step.is_some() && !screens {
        return Err(Fault::usage("--step is for .html, .svg and .cast; tables have every step"));
    }
    if args.table.is_some() && !to.is_table() {
        return Err(Fault::usage("--table is for .csv, .ndjson and .parquet"));
    }
    Ok(())
}

fn write(
    args: &ExportArgs,
    options: &ConfigOptions,
    to: To,
    first: &Path,
    files: &[PathBuf],
    out: &mut Out,
) -> Result<(), Failed> {
    match to {
        To::Csv => {
            let table = table(args.table.unwrap_or(TableName::Steps));
            tables(Tables::csv(table, out)?, files)
        }
        To::Ndjson => {
            let table = table(args.table.unwrap_or(TableName::Steps));
            tables(Tables::json(table, out), files)
        }
        To::Parquet => {
            let table = table(args.table.unwrap_or(TableName::Positions));
            tables(Tables::parquet(table, out)?, files)
        }
        To::Md => {
            let text = export::markdown(&shown_name(first), &opened(first)?);
            Ok(out.write_all(text.as_bytes())?)
        }
        To::Html => {
            let config = options.read()?;
            let recording = opened(first)?;
            let step = args.step.unwrap_or(0);
            go(&mut recording.session(), step)?;
            let theme = args.look.theme.map(|theme| match theme {
                options::Theme::Dark => "dark",
                options::Theme::Light => "light",
            });
            let dress = Dress { colors: tui::css(config.colors), theme };
            let page = export::page(&shown_name(first), &recording, step, &dress)?;
            Ok(out.write_all(page.as_bytes())?)
        }
        To::Svg | To::Cast => {
            let config = options.read()?;
            let look = picture_look(&args.look, &config);
            let recording = opened(first)?;
            let mut session = recording.session();
            go(&mut session, args.step.unwrap_or(0))?;
            let title = crate::escape::one_line(&recording.prompt());
            let start = screen(&recording, session, shown_name(first), look, &config);
            if to == To::Svg {
                return Ok(out.write_all(draw(start, args.size).as_bytes())?);
            }
            tui::cast(start, args.size, args.speed, &title, out)?;
            Ok(())
        }
    }
}

/// A recording. What is made of one that is cut does not show that it is.
fn opened(file: &Path) -> Result<Recording, TraceError> {
    let recording = trace::read(file)?;
    tell_cut(&recording, file);
    Ok(recording)
}

fn table(name: TableName) -> Table {
    match name {
        TableName::Steps => Table::Steps,
        TableName::Positions => Table::Positions,
    }
}

/// One recording after the other: no more than one is in memory.
fn tables<W: Write + Send>(mut tables: Tables<W>, files: &[PathBuf]) -> Result<(), Failed> {
    for file in files {
        let recording = opened(file)?;
        // As it was given: two of many may have one name in different folders.
        tables.add(&replay::shown_file(file), &recording)?;
    }
    tables.finish()?;
    Ok(())
}

type Out = BufWriter<File>;

/// The file that is made, or standard output.
struct Making {
    file: Out,
    whole: Option<Whole>,
}

impl Making {
    fn begin(out: &Path) -> Result<Self, Fault> {
        let (file, whole) = match out == Path::new("-") {
            true => (stdout().map_err(|error| unwritable(out, &error))?, None),
            false => {
                let begun = Whole::begin(out, |part| stop::removing(part.to_owned()));
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
        self.whole.map_or(Ok(()), Whole::finish)
    }
}

fn stdout() -> io::Result<File> {
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}
