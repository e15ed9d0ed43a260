// The player of an exported recording. Everything it knows is in the page; every text of a model or
// a recording is written with textContent, after `visible` has made it harmless.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const $ = (id) => document.getElementById(id);
  const UNKNOWN = '–';
  const SPEEDS = [1, 2, 5, 10, 30, 0];
  const FOLD = 3;
  // Kinds of verdict that make masks, and all that change a position.
  const EXPANDS = ['expand', 'insert'];
  const ACTS = ['fill', 'remask', 'replace', 'delete', ...EXPANDS];
  // Kinds that take the token of a written position away, and their signs.
  const REWRITES = { remask: '↺', replace: '⇄', delete: '↺' };

  // ---- Text: the same stand-ins as the terminal's.

  // Shows nothing but changes what others show: controls, direction, joining, odd spaces.
  const HIDDEN = /[\p{Cc}\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}-\u{180f}\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{3164}\u{fe00}-\u{fe0f}\u{feff}\u{ffa0}\u{fff0}-\u{fffb}\u{fffe}\u{ffff}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;
  // More marks on one glyph than this are an attack on the line above.
  const MARKS = /(\p{M}{3})\p{M}+/gu;

  function standIn(c) {
    const code = c.codePointAt(0);
    if (c === '\n') return '↵';
    if (c === '\t') return '⇥';
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    if (code === 0x7f) return '␡';
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  }

  const isWord = (c) => /[\p{L}\p{N}\p{M}]/u.test(c);
  const isForeign = (c) => isWord(c) && c.codePointAt(0) > 0x7f;
  const isPictograph = (c) => /[\p{Extended_Pictographic}\p{Emoji_Modifier}]/u.test(c);
  const isHidden = (c) => new RegExp(HIDDEN.source, 'u').test(c);
  const FLAG = /\u{1f3f4}[\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{1,8}\u{e007f}/gu;

  // Whether a hidden character is part of the text here: as the program tells it (predict/hidden.rs).
  function belongs(c, at, text) {
    const before = [...text.slice(Math.max(0, at - 2), at)].pop() || '';
    const after = text.codePointAt(at + c.length);
    const next = after === undefined ? '' : String.fromCodePoint(after);
    const both = (pattern) => pattern.test(before) && pattern.test(next);
    const code = c.codePointAt(0);
    if (code === 0x200c || code === 0x200d || code === 0x34f) {
      if (before === '') return false;
      if (code === 0x200d && next && (isPictograph(before) || before === '\ufe0f')) return isPictograph(next);
      if (isForeign(next)) return !/\s/.test(before) && !isHidden(before);
      return isWord(next) ? isWord(before) : isForeign(before);
    }
    if (code >= 0xfe00 && code <= 0xfe0f) {
      return before !== '' && !isHidden(before) && !/\s/.test(before) && (before.codePointAt(0) > 0x7f || /[0-9#*]/.test(before));
    }
    if (code >= 0xe0100 && code <= 0xe01ef) return /\p{L}/u.test(before) && isForeign(before);
    if (code >= 0xe0020 && code <= 0xe007f) return [...text.matchAll(FLAG)].some((flag) => at > flag.index && at < flag.index + flag[0].length);
    if (code === 0x200b) return both(/[\u{e00}-\u{eff}\u{1000}-\u{109f}\u{1780}-\u{17ff}]/u);
    if (code >= 0x180b && code <= 0x180f) return /[\u{1820}-\u{18aa}]/u.test(before) && (code !== 0x180e || /[\u{1820}-\u{18aa}]/u.test(next));
    if (code === 0x115f) return /[\u{1160}-\u{11a7}]/u.test(next);
    return code === 0x1160 && /[\u{1100}-\u{115f}\u{a960}-\u{a97c}]/u.test(before);
  }

  const visible = (text) => text.replace(MARKS, '$1').replace(HIDDEN, (c, at, whole) => (belongs(c, at, whole) ? c : standIn(c)));

  function bare(name) {
    const inner = /^<\|(.+)\|>$/s.exec(name) || /^<(.+)>$/s.exec(name);
    return inner ? inner[1] : name;
  }

  const hex = (bytes) => bytes.map((b) => b.toString(16).toUpperCase().padStart(2, '0')).join('');
  const bracketed = (text) => `⟨${visible(text)}⟩`;

  // What a token is: whole text, or undefined and what stands for it.
  function shown(id) {
    const token = data.tokens[id];
    if (token === undefined) return { name: bracketed(`#${id}`) };
    if (token === '') return { name: bracketed('empty') };
    if (typeof token === 'string') return { text: token };
    if (token.b) return { bytes: token.b, name: bracketed(hex(token.b)) };
    return { name: bracketed(bare(token.n)) };
  }

  // For lists, where a token stands alone: spaces can be seen.
  function label(id) {
    if (id === undefined || id === null) return UNKNOWN;
    if (id === data.mask) return 'mask';
    const token = shown(id);
    return token.text === undefined ? token.name : visible(token.text).replaceAll(' ', '·');
  }

  // Texts of a run of tokens: parts of a character that complete each other become the first's.
  function joined(tokens) {
    const run = tokens.map((token) => (token ? { ...token } : null));
    for (let at = 0; at < run.length; at += 1) {
      if (!run[at] || !run[at].bytes) continue;
      const bytes = [...run[at].bytes];
      for (let n = 1; n < 4 && at + n < run.length && run[at + n] && run[at + n].bytes; n += 1) {
        bytes.push(...run[at + n].bytes);
        const text = decoded(bytes);
        if (text === null) continue;
        run[at] = { text };
        for (let more = 1; more <= n; more += 1) run[at + more] = { text: '' };
        at += n;
        break;
      }
    }
    // A joiner in front of a token belongs to the letter in the token before.
    for (let at = 1; at < run.length; at += 1) {
      const [before, token] = [run[at - 1], run[at]];
      if (!before || !before.text || !token || !token.text || token.text.length < 2) continue;
      const [first] = token.text;
      if (!isHidden(first) || token.text === first || !belongs(first, before.text.length, before.text + token.text)) continue;
      token.text = token.text.slice(first.length);
      if (belongs(first, before.text.length, before.text + first)) before.text += first;
    }
    return run;
  }

  function decoded(bytes) {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(bytes));
    } catch {
      return null;
    }
  }

  // On the canvas: a newline is seen and breaks the line.
  const flowing = (token) => (token.text === undefined ? token.name : visible(token.text).replaceAll('↵', '↵\n'));

  // ---- Numbers.

  // As in the sentences of verdicts.
  function inSentence(value) {
    if (typeof value === 'string') return value;
    if (value > 0.999 && value < 1) return value.toFixed(6);
    if (value !== 0 && value < 0.001) return value.toExponential(1);
    return value < 0.1 ? value.toFixed(4) : value.toFixed(3);
  }

  function probability(p) {
    if (p === undefined || p === null) return UNKNOWN;
    if (p >= 0.9995 && p < 1) return '>0.999';
    if (p >= 0.1 || p === 0) return p.toFixed(3);
    return p >= 0.001 ? p.toFixed(4) : p.toExponential(1);
  }

  const quantised = (p, levels) => Math.max(0, Math.min(levels - 1, Math.floor(p * levels)));

  // ---- The tree: canvases, decisions, predictions.

  const depths = [];
  const canvases = [];
  data.nodes.forEach((node, place) => {
    const parent = node.p;
    const depth = parent === undefined ? 0 : depths[parent] + 1;
    depths.push(depth);
    const cells = parent === undefined ? [] : [...canvases[parent]];
    if (node.splice) {
      const { at, gone, slots, tokens, from } = node.splice;
      const old = new Map(cells.slice(at, at + gone).map((cell) => [cell.slot, cell]));
      const come = slots.map((slot, i) => {
        const was = old.get(slot);
        if (was && was.token === tokens[i]) return was;
        if (was) return { ...was, token: tokens[i], filled: tokens[i] === data.mask ? null : depth };
        return { slot, token: tokens[i], from: from[i], born: depth, filled: null };
      });
      // In pieces: a call takes only so many arguments.
      cells.splice(at, gone);
      const behind = cells.splice(at);
      for (const cell of come) cells.push(cell);
      for (const cell of behind) cells.push(cell);
    }
    const set = node.set || [];
    for (let i = 0; i < set.length; i += 2) {
      const token = set[i + 1];
      cells[set[i]] = { ...cells[set[i]], token, filled: token === data.mask ? null : depth };
    }
    canvases[place] = cells;
  });

  const masksOf = (cells) => cells.reduce((n, cell) => n + (cell.token === data.mask ? 1 : 0), 0);

  // Text between two holes, which nothing changes.
  const isGiven = (cell) => cell.from === -4;

  function tailOf(cells) {
    let tail = cells.length;
    while (tail > 0 && cells[tail - 1].token === data.eos && !isGiven(cells[tail - 1])) tail -= 1;
    return tail;
  }

  const verdicts = new Map();
  // Kind and sentence for every position of the canvas before the step.
  function verdictsOf(made) {
    let found = verdicts.get(made);
    if (!found) {
      found = [];
      let value = 0;
      for (let i = 0; i < made.why.length; i += 2) {
        const [kind, template] = data.words[made.why[i]];
        for (let n = 0; n < made.why[i + 1]; n += 1) {
          found.push({ kind, text: template.replace(/\u0001/g, () => inSentence(made.v[value++])) });
        }
      }
      verdicts.set(made, found);
    }
    return found;
  }

  const counts = new Map();
  function countsOf(made) {
    let found = counts.get(made);
    if (!found) {
      found = { fill: 0, expand: 0, remask: 0, replace: 0, delete: 0, refused: 0 };
      for (let i = 0; i < made.why.length; i += 2) {
        const kind = data.words[made.why[i]][0];
        const as = EXPANDS.includes(kind) ? 'expand' : kind;
        if (as in found) found[as] += made.why[i + 1];
      }
      counts.set(made, found);
    }
    return found;
  }

  // Rows of a prediction by position.
  const rows = new Map();
  function rowsOf(prediction) {
    let found = rows.get(prediction);
    if (!found) {
      found = new Map();
      let row = 0;
      for (let i = 0; i < prediction.at.length; i += 2) {
        for (let n = 0; n < prediction.at[i + 1]; n += 1) found.set(prediction.at[i] + n, row++);
      }
      rows.set(prediction, found);
    }
    return found;
  }

  // A column at a position; undefined where it is not known.
  function known(prediction, column, position) {
    if (!prediction || !prediction[column]) return undefined;
    const row = rowsOf(prediction).get(position);
    const value = row === undefined ? undefined : prediction[column][row];
    return value === null ? undefined : value;
  }

  // ---- What is shown.

  const state = { branch: data.branch, step: data.step, position: 0, drafts: true, playing: null, speed: 2 };
  const branch = () => data.branches[state.branch];
  const path = () => branch().path;
  const last = () => path().length - 1;
  const nodeAt = (step) => data.nodes[path()[step]];
  const canvasAt = (step) => canvases[path()[step]];
  const madeAt = (step) => (step < last() ? nodeAt(step + 1).d : undefined);

  function predictionAt(step) {
    const made = madeAt(step);
    const at = step < last() ? made && made.q : branch().prediction;
    return at === undefined ? undefined : data.predictions[at];
  }

  function positionOf(cells, slot) {
    return cells.findIndex((cell) => cell.slot === slot);
  }

  // What stands or will stand at a position after the step.
  function writtenAt(step, slot, position) {
    if (step < last()) {
      const cell = canvasAt(step + 1).find((other) => other.slot === slot);
      if (cell && cell.token !== data.mask) return cell.token;
    }
    return known(predictionAt(step), 'g', position);
  }

  // The confidence a token was written with.
  function sureness(cell) {
    if (!cell.filled) return undefined;
    const before = cell.filled - 1;
    return known(predictionAt(before), 'p', positionOf(canvasAt(before), cell.slot));
  }

  function sentence(text) {
    return text.charAt(0).toUpperCase() + text.slice(1);
  }

  // ---- Elements.

  function element(tag, text, className) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function pairs(list, entries) {
    list.replaceChildren(...entries.map(([name, value, className]) => {
      const row = element('div', undefined, className);
      row.append(element('dt', name), element('dd', value));
      return row;
    }));
  }

  // ---- Title bar.

  function trail() {
    const lengths = [];
    for (let step = 0; step <= state.step; step += 1) {
      const length = canvasAt(step).length;
      if (lengths[lengths.length - 1] !== length) lengths.push(length);
    }
    return lengths.length > 5 ? `${lengths[0]}→…→${lengths.slice(-3).join('→')}` : lengths.join('→');
  }

  function drawFacts() {
    const node = nodeAt(state.step);
    const cells = canvasAt(state.step);
    const { model } = data;
    const about = [model.family, model.device, model.dtype].filter(Boolean).join(' ');
    const phase = data.phases[node.phase];
    const block = node.block && node.block[1] > node.block[0] ? ` · block ${node.block[0]}–${node.block[1] - 1}` : '';
    pairs($('facts'), [
      ['model', visible(model.name) + (about ? ` (${visible(about)})` : '')],
      ['strategy', data.strategy],
      ['stage', `${node.stage} ${phase}${block}`],
      ['step', `${state.step}/${last()}`],
      ['masks', `${masksOf(cells)}`],
      ['length', trail(), 'trail'],
      ['NFE', `${node.nfe}`],
    ]);
    const ids = { step: 3, masks: 4, length: 5, nfe: 6 };
    for (const [id, at] of Object.entries(ids)) $('facts').children[at].id = `fact-${id}`;
  }

  // ---- Canvas.

  function drawCanvas() {
    const cells = canvasAt(state.step);
    const made = madeAt(state.step);
    const told = made ? verdictsOf(made) : [];
    const prediction = predictionAt(state.step);
    const block = nodeAt(state.step).block;
    const tail = tailOf(cells);
    const folds = cells.length - tail >= FOLD && !told.slice(tail).some((verdict) => verdict.kind in REWRITES);
    const run = joined(cells.map((cell) => (cell.token === data.mask || cell.token === data.eos ? null : shown(cell.token))));
    const drawn = [];
    for (let position = 0; position < cells.length; position += 1) {
      const cell = cells[position];
      const verdict = told[position];
      const kind = verdict ? verdict.kind : '';
      const span = element('span');
      const looks = ['c'];
      let text;
      let mark = '';
      if (folds && position === tail) {
        text = `⟨EOS ×${cells.length - tail}⟩`;
        looks.push('e');
        span.dataset.folded = cells.length - tail;
      } else if (cell.token !== data.mask) {
        text = cell.token === data.eos ? '∎' : flowing(run[position]);
        looks.push(isGiven(cell) ? 'given' : cell.token === data.eos ? 'e' : `w${writtenLevel(cell)}`);
        if (kind in REWRITES) {
          looks.push(kind === 'delete' ? 'remask' : kind);
          mark = REWRITES[kind];
          const next = kind === 'replace' ? writtenAt(state.step, cell.slot, position) : undefined;
          if (next !== undefined) mark += label(next);
        } else if (kind === 'insert') {
          looks.push('expand');
          mark = `+${grownFrom(cell.slot)}`;
        }
      } else {
        const filled = kind === 'fill';
        const guess = filled ? writtenAt(state.step, cell.slot, position) : known(prediction, 'g', position);
        const p = known(prediction, 'p', position);
        const named = guess !== undefined && guess !== data.mask && (filled || state.drafts);
        if (named) text = guess === data.eos ? '∎' : flowing(shown(guess));
        else text = p === undefined ? '▒' : '▁▂▃▄▅▆▇█'[quantised(p, 8)];
        if (kind === 'fill') looks.push('fill');
        else if (kind === 'delete') {
          looks.push('remask');
          mark = REWRITES.remask;
        }
        else if (EXPANDS.includes(kind)) {
          looks.push('expand');
          const grown = grownFrom(cell.slot);
          // A position before which masks are put stays itself.
          if (grown > 0) mark = `+${kind === 'insert' ? grown : grown - 1}`;
        } else {
          looks.push(p === undefined ? 'm' : `h${quantised(p, 16)}`);
          if (named) looks.push('ghost');
          if (kind === 'refused') looks.push('refused');
        }
        if (cell.from >= 0) looks.push('new');
      }
      if (block && position >= block[0] && position < block[1]) looks.push('in');
      const end = folds && position === tail ? cells.length : position + 1;
      if (state.position >= position && state.position < end) looks.push('at');
      span.className = looks.join(' ');
      span.textContent = text;
      if (mark) span.append(element('sup', mark));
      span.dataset.position = position;
      span.dataset.token = cell.token;
      drawn.push(span);
      if (end > position + 1) break;
    }
    $('cells').replaceChildren(...drawn);
    const finish = state.step === last() ? branch().finish : undefined;
    const next = state.step < last() ? nodeAt(state.step + 1) : undefined;
    $('state').textContent = finish || (next && next.edits ? 'edited by hand' : next ? 'pending' : 'recording ends');
    $('state').className = `badge state${state.step === last() ? ' done' : ''}`;
  }

  // Cells that the step to come makes from a cell.
  function grownFrom(slot) {
    return state.step < last() ? canvasAt(state.step + 1).filter((other) => other.from === slot).length : 0;
  }

  function writtenLevel(cell) {
    const p = sureness(cell);
    return p === undefined ? 3 : quantised(p, 4);
  }

  function drawPrompt() {
    const root = data.nodes[path()[0]];
    for (const [id, tokens] of [['prompt', root.prompt], ['suffix', root.suffix]]) {
      const text = joined((tokens || []).map(shown)).map((token) => (token.text === undefined ? token.name : visible(token.text)));
      $(id).textContent = text.join('');
    }
  }

  // ---- Inspector.

  function origin(cell) {
    if (cell.from === -2) return `appended at step ${cell.born}`;
    if (cell.from === -3) return `inserted by hand at step ${cell.born}`;
    if (isGiven(cell)) return 'given';
    if (cell.from >= 0) return `inserted at step ${cell.born} by the expansion of #${cell.from}`;
    return '';
  }

  // Why a position is as it is or will be: the program's own sentences.
  function fate(cell, position) {
    const made = madeAt(state.step);
    const verdict = made ? verdictsOf(made)[position] : undefined;
    const pending = (told) => (ACTS.includes(told.kind) ? `Will be ${told.text}` : sentence(told.text));
    if (verdict && verdict.kind === 'replace') {
      const next = writtenAt(state.step, cell.slot, position);
      return `Gives way to ${next === undefined ? 'another token' : `“${label(next)}”`}. ${pending(verdict)}`;
    }
    if (verdict && verdict.kind === 'remask') return pending(verdict);
    if (cell.token === data.mask) {
      if (verdict) return pending(verdict);
      if (state.step < last()) return made ? UNKNOWN : 'What comes next was done by hand.';
      return branch().finish ? `Still masked: the run is over (${branch().finish}).` : 'The recording ends here.';
    }
    if (isGiven(cell)) return 'Given: it stays as it is.';
    if (!cell.filled) return cell.from === -2 ? `Appended as EOS at step ${cell.born}.` : 'Written before the run.';
    const then = madeAt(cell.filled - 1);
    const told = then && verdictsOf(then)[positionOf(canvasAt(cell.filled - 1), cell.slot)];
    return told ? `Step ${cell.filled}: ${told.text}` : `Written by hand at step ${cell.filled}.`;
  }

  function drawInspector() {
    const cells = canvasAt(state.step);
    const cell = cells[state.position];
    if (!cell) {
      for (const id of ['what', 'why', 'guesses']) $(id).textContent = '';
      $('what').textContent = 'the canvas has no positions';
      $('numbers').replaceChildren();
      $('candidates').tBodies[0].replaceChildren();
      return;
    }
    const token = element('span', cell.token === data.mask ? 'mask' : `“${label(cell.token)}” id ${cell.token}`, 't');
    const from = origin(cell);
    $('what').replaceChildren(
      element('b', `Position ${state.position}`),
      element('span', ` · slot #${cell.slot} · `),
      token,
      element('span', from ? ` · ${from}` : ''),
    );
    const notes = (nodeAt(state.step).notes ?? []).filter(([at]) => at === state.position);
    $('why').replaceChildren(
      ...notes.map(([, text]) => element('span', `¶ ${text} `, 'note')),
      fate(cell, state.position),
    );
    // For a written one, what was thought when it was written.
    const masked = cell.token === data.mask;
    const then = masked ? state.step : cell.filled ? cell.filled - 1 : undefined;
    const prediction = then === undefined ? undefined : predictionAt(then);
    const position = masked || then === undefined ? state.position : positionOf(canvasAt(then), cell.slot);
    const numbers = [['p', 'conf', true], ...data.numbers].map(([column, name, isProbability]) => {
      const value = known(prediction, column, position);
      const plain = value === undefined ? UNKNOWN : String(value);
      return [name, isProbability ? probability(value) : plain];
    });
    pairs($('numbers'), numbers);
    drawCandidates(known(prediction, 'k', position));
    drawHistory(cell.slot);
  }

  function drawCandidates(flat) {
    const list = [];
    for (let i = 0; flat && i < flat.length; i += 2) {
      const [id, p] = [flat[i], flat[i + 1]];
      const row = element('tr');
      const bar = element('td');
      const gauge = element('span', undefined, `gauge h${quantised(p, 16)}`);
      gauge.style.width = `${(p * 100).toFixed(2)}%`;
      bar.append(gauge);
      const name = element('th', label(id));
      name.scope = 'row';
      row.append(name, element('td', p === 1 ? '1.00' : probability(p)), bar);
      list.push(row);
    }
    if (list.length === 0) {
      const row = element('tr');
      row.append(element('th', UNKNOWN));
      list.push(row);
    }
    $('candidates').tBodies[0].replaceChildren(...list);
  }

  // What was thought of a slot as long as it was masked, up to here.
  function thoughts(slot) {
    const found = [];
    let hint = 0;
    for (let step = 0; step <= state.step; step += 1) {
      const cells = canvasAt(step);
      const position = cells[hint] && cells[hint].slot === slot ? hint : positionOf(cells, slot);
      if (position < 0) continue;
      hint = position;
      const prediction = predictionAt(step);
      if (cells[position].token !== data.mask || !prediction) continue;
      found.push({ step, p: known(prediction, 'p', position), token: known(prediction, 'g', position) });
    }
    return found;
  }

  // ---- Charts.

  let colours = {};
  function readColours() {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(`--${name}`).trim() || '#888';
    colours = { heat: Array.from({ length: 16 }, (_, level) => read(`heat-${level}`)) };
    for (const name of ['ground', 'plain', 'dim', 'faint', 'strong', 'quiet', 'calm', 'bad', 'warn', 'key', 'fill-ground', 'fill-ink', 'expand-ground', 'expand-ink', 'replace', 'written-3-ground', 'eos', 'prompt']) {
      colours[name] = read(name);
    }
  }

  // A canvas ready to be drawn on, in its own pixels.
  function pen(id) {
    const canvas = $(id);
    const scale = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const draw = canvas.getContext('2d');
    draw.setTransform(scale, 0, 0, scale, 0, 0);
    draw.clearRect(0, 0, width, height);
    draw.font = '11px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace';
    return { draw, width, height, canvas };
  }

  const columns = (width, n) => ({
    left: (i) => (i * width) / n,
    size: Math.max(1, width / n - (width / n > 4 ? 1 : 0)),
    middle: (i) => ((i + 0.5) * width) / n,
  });

  function playhead(draw, x, height) {
    draw.fillStyle = colours.key;
    draw.fillRect(Math.round(x) - 1, 0, 2, height);
  }

  function drawTimeline() {
    const { draw, width, height, canvas } = pen('timeline');
    const n = last() + 1;
    const axis = columns(width, n);
    const fills = [];
    for (let step = 0; step < n; step += 1) fills.push(step === 0 || !nodeAt(step).d ? 0 : countsOf(nodeAt(step).d).fill);
    const most = Math.max(1, ...fills);
    const bottom = height - 4;
    for (let step = 1; step < n; step += 1) {
      const node = nodeAt(step);
      const x = axis.left(step);
      if (node.stage !== nodeAt(step - 1).stage) {
        draw.fillStyle = colours.dim;
        draw.fillRect(x, 0, 1, height);
      }
      if (node.edits) {
        draw.fillStyle = colours.warn;
        draw.fillRect(x, bottom - 10, axis.size, 10);
        continue;
      }
      if (!node.d) continue;
      const counted = countsOf(node.d);
      const { expand, remask, replace } = counted;
      const size = (fills[step] / most) * (bottom - 8);
      draw.fillStyle = node.d.mode === 'stuck' ? colours.bad : node.d.mode === 'fallback' ? colours.quiet : colours['fill-ink'];
      if (fills[step]) draw.fillRect(x, bottom - size, axis.size, size);
      const grown = canvasAt(step).length - canvasAt(step - 1).length;
      if (expand || (grown > 0 && fills[step] === 0)) {
        draw.fillStyle = expand ? colours['expand-ink'] : colours.calm;
        draw.fillRect(x, bottom - size - 6, axis.size, 4);
      }
      if (remask || counted.delete || node.d.dropped) {
        draw.fillStyle = colours.bad;
        draw.fillRect(x, bottom, axis.size, 3);
      }
      if (replace) {
        draw.fillStyle = colours.replace;
        draw.fillRect(x, bottom - size - 6, axis.size, 4);
      }
    }
    for (let step = 0; step < n; step += 1) {
      const { mark, notes } = nodeAt(step);
      if (mark === undefined && !notes) continue;
      draw.fillStyle = colours.warn;
      draw.fillText(notes ? '¶' : '⚑', axis.middle(step) - 3, 10);
    }
    draw.fillStyle = colours.faint;
    draw.fillRect(0, bottom, width, 1);
    playhead(draw, axis.middle(state.step), height);
    canvas.setAttribute('aria-label', `Timeline: fills, expansions and replacements of ${last()} steps`);
  }

  function drawEos() {
    const { draw, width, height, canvas } = pen('eos');
    const n = last() + 1;
    const left = 34;
    const axis = columns(width - left, n);
    const half = Math.floor(height * 0.56);
    const lengths = path().map((_, step) => canvasAt(step).length);
    const most = Math.max(1, ...lengths);
    let told = false;
    draw.fillStyle = colours.dim;
    draw.fillText('EOS 1', 0, 11);
    draw.fillText('0', 22, half - 4);
    draw.fillText(String(most), 0, half + 14);
    draw.fillText('len 0', 0, height - 2);
    for (let step = 0; step < n; step += 1) {
      const made = madeAt(step);
      const x = left + axis.left(step);
      const size = (lengths[step] / most) * (height - half - 6);
      draw.fillStyle = nodeAt(step).stage === 1 ? colours.quiet : colours.calm;
      draw.fillRect(x, height - size, axis.size, size);
      if (!made || !made.eos) continue;
      const [p, threshold] = made.eos;
      if (p !== null) {
        told = true;
        const top = Math.max(2, p * (half - 6));
        draw.fillStyle = colours.heat[quantised(p, 16)];
        draw.fillRect(x, half - 3 - top, axis.size, top);
      }
      if (threshold !== null) {
        // Seen on bars and beside them.
        const y = half - 3 - Math.min(1, threshold) * (half - 6);
        draw.fillStyle = colours.ground;
        draw.fillRect(x, y - 1.5, axis.size, 4.5);
        draw.fillStyle = colours.plain;
        draw.fillRect(x, y, axis.size, 1.5);
      }
    }
    draw.fillStyle = colours.faint;
    draw.fillRect(left, half - 2, width - left, 1);
    playhead(draw, left + axis.middle(state.step), height);
    canvas.setAttribute('aria-label', told ? 'EOS confidence with its threshold, and length, over the steps' : 'Length over the steps');
    const made = madeAt(state.step);
    $('rule').textContent = ruleText(made);
  }

  function ruleText(made) {
    const now = canvasAt(state.step).length;
    const then = state.step < last() ? canvasAt(state.step + 1).length : undefined;
    const grows = then === undefined ? `length ${now}` : then === now ? `the length stays ${now}` : `the length becomes ${then} (${then > now ? '+' : '−'}${Math.abs(then - now)})`;
    if (!made || !made.eos) return `EOS confidence ${UNKNOWN} · ${grows}`;
    const [p, threshold, counted, window] = made.eos;
    const sign = p === null || threshold === null ? '?' : p < threshold ? '<' : '≥';
    const symbol = data.strategy === 'rho_eos' ? 'ρ' : nodeAt(state.step).stage === 1 ? 'τ_eos' : 'τ_expand';
    const of = counted > 0 || p === 0 ? ` · counted ${counted} of ${window}` : '';
    return `EOS confidence ${probability(p)} ${sign} ${symbol} ${probability(threshold)}${of} · ${grows}`;
  }

  function drawStrip() {
    const { draw, width, height, canvas } = pen('strip');
    const cells = canvasAt(state.step);
    const most = Math.max(1, ...path().map((_, step) => canvasAt(step).length));
    const axis = columns(width, most);
    const made = madeAt(state.step);
    const told = made ? verdictsOf(made) : [];
    const prediction = predictionAt(state.step);
    cells.forEach((cell, position) => {
      const p = cell.token === data.mask ? known(prediction, 'p', position) : sureness(cell);
      const kind = told[position] ? told[position].kind : '';
      const size = p === undefined ? 3 : Math.max(3, p * (height - 8));
      draw.fillStyle = pixelColour(cell, kind, p);
      draw.fillRect(axis.left(position), height - 5 - size, axis.size, size);
    });
    draw.fillStyle = colours.key;
    draw.fillRect(axis.left(state.position), height - 4, Math.max(2, axis.size), 4);
    canvas.setAttribute('aria-label', `Confidence of ${cells.length} positions at step ${state.step}`);
  }

  function pixelColour(cell, kind, p) {
    if (kind === 'fill') return colours['fill-ink'];
    if (EXPANDS.includes(kind)) return colours['expand-ground'];
    if (kind === 'remask' || kind === 'delete') return colours.bad;
    if (kind === 'replace') return colours.replace;
    if (isGiven(cell)) return colours.prompt;
    if (cell.token !== data.mask) return cell.token === data.eos ? colours['written-3-ground'] : colours.faint;
    return p === undefined ? colours.quiet : colours.heat[quantised(p, 16)];
  }

  // The whole branch as a picture, a pixel a cell; drawn anew where branch or colours change.
  let picture = null;
  function drawWaterfall() {
    const n = last() + 1;
    const most = Math.max(1, ...path().map((_, step) => canvasAt(step).length));
    if (!picture) {
      picture = document.createElement('canvas');
      picture.width = most;
      picture.height = n;
      const draw = picture.getContext('2d');
      for (let step = 0; step < n; step += 1) {
        const made = madeAt(step);
        const told = made ? verdictsOf(made) : [];
        const prediction = predictionAt(step);
        canvasAt(step).forEach((cell, position) => {
          const p = cell.token === data.mask ? known(prediction, 'p', position) : undefined;
          draw.fillStyle = pixelColour(cell, told[position] ? told[position].kind : '', p);
          draw.fillRect(position, step, 1, 1);
        });
      }
    }
    const { draw, width, height, canvas } = pen('waterfall');
    draw.imageSmoothingEnabled = false;
    draw.drawImage(picture, 0, 0, width, height);
    draw.strokeStyle = colours.key;
    draw.lineWidth = 1.5;
    const row = height / n;
    draw.strokeRect(0.75, state.step * row, width - 1.5, Math.max(2, row));
    const x = (state.position * width) / most;
    draw.strokeRect(x, 0, Math.max(2, width / most), height);
    canvas.setAttribute('aria-label', `Confidence of every position at every step; at step ${state.step}`);
  }

  function drawHistory(slot) {
    const { draw, width, height, canvas } = pen('history');
    const found = thoughts(slot);
    const axis = columns(width, last() + 1);
    for (const { step, p } of found) {
      if (p === undefined) continue;
      const size = Math.max(2, p * (height - 2));
      draw.fillStyle = colours.heat[quantised(p, 16)];
      draw.fillRect(axis.left(step), height - size, axis.size, size);
    }
    draw.fillStyle = colours.faint;
    draw.fillRect(0, height - 1, width, 1);
    canvas.setAttribute('aria-label', `Confidence here over ${found.length} steps`);
    const guesses = found.map((thought) => thought.token).filter((token) => token !== undefined);
    const distinct = guesses.filter((token, i) => token !== guesses[i - 1]);
    const changes = distinct.length - 1;
    const told = (distinct.length > 8 ? ['…', ...distinct.slice(-8).map(label)] : distinct.map(label)).join(' → ');
    if (distinct.length === 0) $('guesses').textContent = `guesses ${UNKNOWN}`;
    else if (changes === 0) $('guesses').textContent = `guesses: always ${told}`;
    else $('guesses').textContent = `guesses: ${told} (${changes} ${changes === 1 ? 'change' : 'changes'})`;
  }

  // ---- Parameters, controls.

  function drawParams() {
    const start = new Map();
    const now = new Map();
    for (let step = 0; step <= Math.min(last(), state.step + 1); step += 1) {
      for (const [at, value] of Object.entries(nodeAt(step).params || {})) {
        if (step === 0) start.set(at, value);
        now.set(at, value);
      }
    }
    $('foreign').textContent = data.params.length ? ''
      : `${visible(data.strategy)} is another program's: no parameters are known`;
    pairs($('params'), data.params.map(([, symbol], at) => {
      const value = now.get(String(at));
      const turned = value !== start.get(String(at));
      return [symbol, value === undefined ? UNKNOWN : visible(value) + (turned ? ' *' : ''), turned ? 'turned' : ''];
    }));
    [...$('params').children].forEach((row, at) => { row.title = data.params[at][0]; });
  }

  // What the step that led here did.
  function didText() {
    if (state.step === 0) return '';
    const node = nodeAt(state.step);
    if (node.edits) return `by hand: ${node.edits.join(', ')}`;
    if (!node.d) return '';
    const counted = countsOf(node.d);
    const { fill, expand, remask, replace, refused } = counted;
    const grown = canvasAt(state.step).length - canvasAt(state.step - 1).length;
    const parts = [node.d.mode.replace('_', ' ')];
    if (fill) parts.push(`${fill} filled`);
    if (expand) parts.push(`${expand} expanded`);
    if (refused) parts.push(`${refused} not expanded`);
    if (remask) parts.push(`${remask} remasked`);
    if (replace) parts.push(`${replace} replaced`);
    if (counted.delete) parts.push(`${counted.delete} deleted`);
    if (node.d.dropped) parts.push(`${node.d.dropped} dropped`);
    if (grown) parts.push(`length ${grown > 0 ? '+' : '−'}${Math.abs(grown)}`);
    const [forward] = node.d.ms;
    if (forward !== null) parts.push(`${forward} ms`);
    return `step ${state.step}: ${parts.join(' · ')}${node.mark === undefined ? '' : ` · ⚑ ${visible(node.mark)}`}`;
  }

  function drawControls() {
    const slider = $('step');
    slider.max = String(last());
    slider.value = String(state.step);
    const masks = masksOf(canvasAt(state.step));
    slider.setAttribute('aria-valuetext', `step ${state.step} of ${last()}, stage ${nodeAt(state.step).stage}, ${masks} masks left`);
    $('did').textContent = didText();
    const playing = state.playing !== null;
    $('play').textContent = playing ? '❚❚' : '▶';
    $('play').setAttribute('aria-label', playing ? 'Pause' : 'Play');
    $('speed').textContent = SPEEDS[state.speed] === 0 ? 'max' : `${SPEEDS[state.speed]}/s`;
  }

  function draw() {
    drawFacts();
    drawCanvas();
    drawInspector();
    drawEos();
    drawStrip();
    drawWaterfall();
    drawTimeline();
    drawParams();
    drawControls();
    remember();
  }

  // The place in the address, so that it can be sent; not while it moves.
  let remembering = 0;
  function remember() {
    clearTimeout(remembering);
    if (state.playing !== null) return;
    remembering = setTimeout(() => {
      const place = `#step=${state.step}&position=${state.position}${data.branches.length > 1 ? `&branch=${state.branch + 1}` : ''}`;
      try {
        history.replaceState(null, '', place);
      } catch {
        // Some browsers refuse it in files: the player goes on without.
      }
    }, 400);
  }

  function recall() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const number = (name, most) => {
      const value = Number.parseInt(asked.get(name), 10);
      return Number.isFinite(value) ? Math.max(0, Math.min(most, value)) : null;
    };
    const lane = number('branch', data.branches.length);
    if (lane) choose(lane - 1);
    const step = number('step', last());
    if (step !== null) state.step = step;
    const position = number('position', canvasAt(state.step).length - 1);
    if (position !== null) state.position = position;
  }

  // ---- Going.

  function go(step, keep) {
    const to = Math.max(0, Math.min(last(), step));
    const before = canvasAt(state.step)[state.position];
    state.step = to;
    const cells = canvasAt(to);
    // The cursor stays on its position's identity.
    const same = before && !keep ? positionOf(cells, before.slot) : -1;
    if (same >= 0) state.position = same;
    state.position = Math.max(0, Math.min(cells.length - 1, state.position));
    draw();
  }

  function move(position) {
    state.position = Math.max(0, Math.min(canvasAt(state.step).length - 1, position));
    draw();
    const at = $('cells').querySelector('.at');
    if (at) at.scrollIntoView({ block: 'nearest' });
    $('said').textContent = `${$('what').textContent}. ${$('why').textContent}`;
  }

  // To the row above or below, as near as can be.
  function moveRow(down) {
    const cells = [...$('cells').children];
    const here = $('cells').querySelector('.at');
    if (!here) return;
    const { left, top, bottom } = here.getClientRects()[0];
    let best = null;
    for (const cell of cells) {
      const box = cell.getClientRects()[0];
      if (!box) continue;
      const off = down ? box.top - bottom : top - box.bottom;
      if (off < -4) continue;
      const distance = off * 1000 + Math.abs(box.left - left);
      if (best === null || distance < best.distance) best = { distance, cell };
    }
    if (best) move(Number(best.cell.dataset.position));
  }

  function touched(forward) {
    const made = madeAt(state.step);
    const told = made ? verdictsOf(made) : [];
    const found = told.flatMap((verdict, position) => (ACTS.includes(verdict.kind) ? [position] : []));
    const to = forward ? found.find((position) => position > state.position) : found.findLast((position) => position < state.position);
    if (to !== undefined) move(to);
  }

  function isEvent(step) {
    const [node, before] = [nodeAt(step), nodeAt(step - 1)];
    if (node.edits || node.stage !== before.stage) return true;
    if ((node.block || [])[0] !== (before.block || [])[0]) return true;
    if (!node.d) return false;
    const { expand, remask, replace, delete: deleted } = countsOf(node.d);
    return expand + remask + replace + deleted > 0 || node.d.dropped > 0 || ['fallback', 'stuck'].includes(node.d.mode);
  }

  function seek(forward, wanted) {
    for (let step = state.step + (forward ? 1 : -1); step > 0 && step <= last(); step += forward ? 1 : -1) {
      if (wanted(step)) return go(step);
    }
    return go(forward ? last() : 0);
  }

  const stageBegins = (step) => nodeAt(step).stage !== nodeAt(step - 1).stage;
  const blockBegins = (step) => stageBegins(step) || (nodeAt(step).block || [])[0] !== (nodeAt(step - 1).block || [])[0];

  function enter() {
    const cell = canvasAt(state.step)[state.position];
    if (!cell) return;
    const step = cell.token !== data.mask && cell.filled ? cell.filled : cell.born;
    if (step > 0) go(step);
  }

  function choose(at) {
    if (at < 0 || at >= data.branches.length) return;
    state.branch = at;
    state.step = Math.min(state.step, last());
    state.position = Math.min(state.position, Math.max(0, canvasAt(state.step).length - 1));
    picture = null;
    $('branch').value = String(at);
    drawPrompt();
  }

  function pause() {
    if (state.playing !== null) clearTimeout(state.playing);
    state.playing = null;
    drawControls();
    remember();
  }

  function play() {
    if (state.playing !== null) return pause();
    if (state.step === last()) state.step = 0;
    const tick = () => {
      if (state.step >= last()) return pause();
      const speed = SPEEDS[state.speed];
      state.playing = setTimeout(tick, speed === 0 ? 0 : 1000 / speed);
      return go(state.step + 1);
    };
    state.playing = setTimeout(tick, 0);
    return drawControls();
  }

  function faster(by) {
    state.speed = Math.max(0, Math.min(SPEEDS.length - 1, state.speed + by));
    drawControls();
  }

  const step = (by) => {
    if (state.playing !== null) pause();
    go(state.step + by);
  };

  // Keys as in the program; the first of each is told.
  const KEYS = [
    ['Space', 'run at the chosen speed, or pause', [' '], play],
    ['s f', 'make the pending step', ['s', 'f'], () => step(1)],
    ['S Backspace', 'go one step back', ['S', 'Backspace'], () => step(-1)],
    ['< >', 'run slower, faster', ['<'], () => faster(-1)],
    ['', '', ['>'], () => faster(1)],
    ['[ ]', 'go to the event before, to the next: expansion, remasked, replaced, fallback, stuck, dropped, block, stage', ['['], () => seek(false, isEvent)],
    ['', '', [']'], () => seek(true, isEvent)],
    ['( )', 'go to the block before, to the next', ['('], () => seek(false, blockBegins)],
    ['', '', [')'], () => seek(true, blockBegins)],
    ['{ }', 'go to the stage before, to the next', ['{'], () => seek(false, stageBegins)],
    ['', '', ['}'], () => seek(true, stageBegins)],
    ['0 Ctrl-Home', 'go to the start of the run', ['0', 'Ctrl-Home'], () => step(-Infinity)],
    ['$ Ctrl-End', 'go to the last step', ['$', 'Ctrl-End'], () => step(Infinity)],
    ['← → ↑ ↓ h l k j', 'move the cursor; on the slider: step by step', ['ArrowLeft', 'h'], () => move(state.position - 1)],
    ['', '', ['ArrowRight', 'l'], () => move(state.position + 1)],
    ['', '', ['ArrowUp', 'k'], () => moveRow(false)],
    ['', '', ['ArrowDown', 'j'], () => moveRow(true)],
    ['Home End g G', 'move to the first position, to the last', ['Home', 'g'], () => move(0)],
    ['', '', ['End', 'G'], () => move(Infinity)],
    [', .', 'move to the position before, to the next, that the pending step changes', [','], () => touched(false)],
    ['', '', ['.'], () => touched(true)],
    ['Enter', 'go to where the position was written or inserted', ['Enter'], enter],
    ['t', 'show masks as drafts, or as bars', ['t'], () => { state.drafts = !state.drafts; draw(); }],
    ['?', 'show or close this help', ['?'], () => help()],
    ['Esc', 'close the help; stop', ['Escape'], () => { if ($('help').open) $('help').close(); else pause(); }],
  ];
  const bound = new Map(KEYS.flatMap(([, , keys, act]) => keys.map((key) => [key, act])));

  function help() {
    if ($('help').open) $('help').close();
    else $('help').showModal();
  }

  // Keys that an element has a use for itself.
  function own(target, key) {
    if (target.tagName === 'SELECT') return key.length > 1 || key === ' ';
    if (target.tagName === 'INPUT') return ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown'].includes(key);
    return target.tagName === 'BUTTON' && [' ', 'Enter'].includes(key);
  }

  document.addEventListener('keydown', (event) => {
    if (event.altKey || event.metaKey) return;
    const key = event.ctrlKey ? `Ctrl-${event.key}` : event.key;
    if ($('help').open && !['?', 'Escape'].includes(key)) return;
    const act = bound.get(key);
    if (!act || (!event.ctrlKey && own(event.target, key))) return;
    event.preventDefault();
    act();
  });

  // A click or drag on a chart goes to its step.
  function scrub(id, to) {
    const canvas = $(id);
    let down = false;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      to((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height, box.width);
    };
    canvas.addEventListener('pointerdown', (event) => {
      down = true;
      canvas.setPointerCapture(event.pointerId);
      at(event);
    });
    canvas.addEventListener('pointermove', (event) => { if (down) at(event); });
    canvas.addEventListener('pointerup', () => { down = false; });
    canvas.addEventListener('pointercancel', () => { down = false; });
  }

  const part = (share, n) => Math.max(0, Math.min(n - 1, Math.floor(share * n)));
  const longest = () => Math.max(1, ...path().map((_, at) => canvasAt(at).length));
  scrub('timeline', (x) => go(part(x, last() + 1)));
  scrub('history', (x) => go(part(x, last() + 1)));
  scrub('eos', (x, _, width) => go(part((x * width - 34) / (width - 34), last() + 1)));
  scrub('strip', (x) => move(part(x, longest())));
  scrub('waterfall', (x, y) => {
    state.position = part(x, longest());
    go(part(y, last() + 1), true);
  });
  $('cells').addEventListener('click', (event) => {
    const cell = event.target.closest('[data-position]');
    if (cell) move(Number(cell.dataset.position));
  });
  $('step').addEventListener('input', () => go(Number($('step').value)));
  $('branch').addEventListener('change', () => {
    choose(Number($('branch').value));
    draw();
  });
  const buttons = { first: () => step(-Infinity), back: () => step(-1), play, forward: () => step(1), last: () => step(Infinity), slower: () => faster(-1), faster: () => faster(1), ask: help, close: help };
  for (const [id, act] of Object.entries(buttons)) $(id).addEventListener('click', () => act());

  // ---- Begin.

  $('badge').textContent = `REPLAY(${visible(data.file)})`;
  if (data.notices.length > 0) {
    $('notices').hidden = false;
    $('notices').textContent = data.notices.map(visible).join(' · ');
  }
  $('keys').replaceChildren(...KEYS.filter(([keys]) => keys).flatMap(([keys, told]) => [element('dt', keys), element('dd', told)]));
  if (data.branches.length > 1) {
    $('lanes').hidden = false;
    $('branch').replaceChildren(...data.branches.map((lane, at) => {
      const option = element('option', `${at + 1}${lane.name === undefined ? '' : ` ${visible(lane.name)}`} · ${lane.path.length - 1} steps`);
      option.value = String(at);
      return option;
    }));
  }
  const redraw = () => {
    readColours();
    picture = null;
    draw();
  };
  readColours();
  choose(state.branch);
  recall();
  draw();
  window.addEventListener('resize', redraw);
  window.addEventListener('hashchange', () => { recall(); draw(); });
  matchMedia('(prefers-color-scheme: light)').addEventListener('change', redraw);
})();
