#!/usr/bin/env python3
"""Asks the published metrics of DAEDAL about many answers, and writes down what they say.

How to run it (the standard library alone, a minute or two):

    git clone https://github.com/Li-Jinsong/DAEDAL
    python tests/reference/checkers.py --daedal DAEDAL

It writes tests/checkers/answers.json: texts with the answer wanted, what `metrics/gsm8k.py` takes for the answer and
whether it is right. It stops if `metrics/math500.py` says anything else. It writes tests/checkers/prompts.json: lines of
the data sets with the prompts and targets that the tasks make of them. Then it holds assets/python/check_code.py against
the functions of `metrics/humaneval.py` and `metrics/mbpp.py`, which must find the same code in every text.

Only the functions are taken out of the files: nothing is installed, no model is loaded. Where the published code
raises (a `\\frac` with nothing behind), the whole file of answers is lost there; here the answer counts as wrong.
"""

import argparse
import ast
import importlib.util
import json
import random
import re
from pathlib import Path
from typing import Dict, List, Optional, Set, Tuple

ROOT = Path(__file__).resolve().parent.parent.parent
SEED = 15


def functions(path):
    """The top-level functions of a file, without running the rest of it."""
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    space = {"re": re, "ast": ast, "Dict": Dict, "List": List, "Optional": Optional, "Set": Set, "Tuple": Tuple}
    exec(compile(tree, str(path), "exec"), space)
    return space


# ---- answers of GSM8K and MATH-500 -----------------------------------------------------------------------------------


def judged(metric, text, target):
    """What the loop over generations in the file does with one, in its own functions."""
    box = metric["last_boxed_only_string"](text)
    found = metric["remove_boxed"](box) if box else None
    if found is None:
        tagged = re.search(r"<answer>(.*?)</answer>", text, re.DOTALL)
        found = tagged.group(1).strip() if tagged else None
    try:
        return found, bool(metric["is_equiv"](found, target))
    except IndexError:
        return found, False


# Values, each in several writings; those of one line are mostly, not always, the same to the metric.
VALUES = [
    ["18", "18.0", "18.", "0018", " 18 ", "1_8", "+18", "18.0000001", "18.00001", "1.8e1", "１８", "١٨", "18\\%"],
    ["1234", "1,234", "1,234.00", "1{,}234", "1, 234", "1 234", "12,34", "1,2345", "1\\!234", "1,\\!234"],
    ["1,234,567", "1234567", "1,234567", "1234,567", "1,234,567.0", "1,23,4567", "1٬234٬567", "1,٢٣٤,567"],
    ["-5", "- 5", "−5", "(-5)", "-5.0", "-0005"],
    [".5", "0.5", "1/2", "\\frac12", "\\frac{1}{2}", "\\dfrac12", "\\tfrac{1}2", "\\frac1{2}", "0.50", " .5", "x= .5", "5e-1"],
    ["3/4", "0.75", "\\frac34", "\\frac{3}{4}", "3 / 4", "3/4/1", "3.0/4", "1_0/4", "inf/nan", "\\frac3 4", "\\frac {3}{4}"],
    ["\\sqrt2", "\\sqrt{2}", "\\sqrt 2", "\\sqrt[3]{2}", "2\\sqrt", "\\sqrt{3}\\sqrt2", "\\sqrt12", "\\sqrt{12}"],
    ["\\frac", "\\frac1", "\\frac{1}", "a\\frac", "\\frac\\frac12", "\\frac12\\frac", "\\frac1\\frac", "\\frac 1"],
    ["\\left(3, \\frac{\\pi}{2}\\right)", "(3,\\frac{\\pi}{2})", "( 3, \\frac \\pi 2 )", "\\leftarrow", "arrow"],
    ["90^\\circ", "90^{\\circ}", "90", "90^{ \\circ}", "90°", "\\$90", "$90$", "90\\text{ degrees}", "90\\text{degrees}"],
    ["12 \\text{ inches}", "12", "12\\text{ a}\\text{ b}", "\\text{ 12}", "12 \\mbox{ inches}", "12\\,\\text{ cm}^2"],
    ["x=5", "x = 5", "5", "xy=5", "xyz=5", "x=5=5", "=5", "é=5", "x=", "k = 5 "],
    ["inf", "Infinity", "-inf", "nan", "NaN", "INF", "1e400", "infinite"],
    ["\\pi", "pi", "2\\pi", "2 \\pi", "2\\\\pi", "\\text{even}", "even", "Even", "\\text{(B)}", "(B)", "B"],
    ["[2,5]", "[2, 5]", "(2,5]", "2,5", "{2,5}", "\\{2,5\\}", "[2,500]", "[2500]"],
    ["x^2+1", "x^{2}+1", "x^2 + 1", "x^2\n+1", "1+x^2", "x^2+1\\", "\\\\x^2+1"],
    ["", " ", "\n", "{", "}", "{}", "{{}}", "\u00a0", "\x1c7\x1f", "7\u200b", "7\u3000", "7\ufeff", "7"],
    ["None", "null", "0", "-0", "+0", "0.0", "00", "0x0", "1e-7", "0.0000001", "0.000001"],
]

# What stands around an answer.
FRAMES = [
    "{}", "\\boxed{{{}}}", "\\boxed {}", "\\boxed {}$", "\\boxed {{{}}}", "\\fbox{{{}}}", "\\fbox {}", "$\\boxed{{{}}}$.",
    "so $x$ is \\boxed{{{}}}", "\\boxed{{1}} then \\boxed{{{}}}", "\\boxed{{{}}} then \\fbox{{1}}", "\\fbox{{1}} then \\boxed{{{}}}",
    "\\boxed{{{}", "\\boxed{}}}", "\\boxed}}{{{}}}", "\\boxedx{{{}}}", "\\boxed\n{{{}}}", "\\boxed\t{{{}}}", "\\boxed{{\\boxed{{{}}}}}",
    "<answer>{}</answer>", "<answer>\n{}\n</answer>", "<answer>\n\\boxed{{{}}}\n</answer>", "<answer>{}", "{}</answer>",
    "\\boxed{{<answer>{}</answer>", "\\boxed{{1 <answer> {} </answer> <answer>3</answer>", "</answer>\\boxed{{<answer>{}</answer>",
    "\\boxed{{{}}} and \\boxed{{", "\\boxed 1$ and \\boxed{{{}}}", "\\boxed{{{}}} \\boxed $", "<|endoftext|>{}", "{}<|endoftext|>",
    "reasoning\n</reasoning>\n<answer>\n\\boxed{{{}}}\n</answer><|eot_id|><|endoftext|><|endoftext|>", "The answer is {}.",
    "\\boxed{{{}}}<|endoftext|>", "\\boxed {}<|endoftext|>", "\\boxed {} $<|endoftext|>", "#### {}", "\\boxed{{\\text{{{}}}}}",
]

# Pieces that random texts are made of.
PIECES = [
    "\\boxed", "\\boxed{", "\\boxed ", "\\fbox{", "\\fbox", "{", "}", "{", "}", "$", "<answer>", "</answer>", "\\frac", "\\dfrac",
    "\\tfrac", "\\sqrt", "\\text{ ", "\\left", "\\right", "\\!", "\\\\", "\\%", "\\$", "^\\circ", "^{\\circ}", "=", "/", ",", ".", "-",
    "+", "_", " ", "\n", "\t", "0", "1", "5", "12", "000", "345", "1,234", "0.5", "x", "e", "inf", "nan", "٣", "５", "½", "²", "\u00a0",
    "\x1d", "\u2003", "é", "字", "<|endoftext|>",
]


def answers(metric):
    """(text, target) pairs: every writing in frames, pairs of writings, and random texts."""
    rng = random.Random(SEED)
    for values in VALUES:
        for left in values:
            for right in rng.sample(values, min(3, len(values))):
                yield rng.choice(["\\boxed{{{}}}", "{}", "\\boxed {}"]).format(left), right
            yield "\\boxed{" + left + "}", left
    for frame in FRAMES:
        for value in ["5", "\\frac{1}{2}", "1,000", "x = 5", "", "a}b", "\\{1\\}"]:
            yield frame.format(value), value
    for _ in range(700):
        text = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 12)))
        target = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 4)))
        # Half of them are asked for what is found, written otherwise: a random pair is never right.
        found, _ = judged(metric, text, "")
        if found is not None and rng.random() < 0.7:
            target = rng.choice([found, found.replace(" ", ""), " " + found, found.replace("\\dfrac", "\\frac"), found + "\\%"])
        yield text, target


def write_answers(daedal):
    metric = functions(daedal / "metrics" / "gsm8k.py")
    other = functions(daedal / "metrics" / "math500.py")
    lines = {}
    for text, target in answers(metric):
        found, correct = judged(metric, text, target)
        if (found, correct) != judged(other, text, target):
            raise SystemExit(f"gsm8k.py and math500.py differ on {text!r} for {target!r}")
        case = {"text": text, "target": target, "extracted": found, "correct": correct}
        lines[json.dumps(case)] = correct
    out = ROOT / "tests" / "checkers" / "answers.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{out}: {len(lines)} answers, {sum(lines.values())} of them right")


# ---- prompts ---------------------------------------------------------------------------------------------------------

# Lines of the data sets' files, made up.
LINES = [
    ("gsm8k", {"question": "Ann has 3 pens.\nHow many?", "answer": "She has <<3=3>>3.\n#### 1,003 "}),
    ("gsm8k", {"question": "  Is {{this}} \\kept?", "answer": "#### a #### -3"}),
    ("math500", {"problem": "Find $x$.", "solution": "So $\\boxed{2}$.", "answer": "\\frac{1}{2}", "subject": "Algebra", "level": 1, "unique_id": "a"}),
    ("math500", {"problem": "Which interval?", "solution": "", "answer": "[-2,500]", "unique_id": "b"}),
    ("math500", {"problem": "Which interval?", "solution": "", "answer": "[ +1, 0,-0 ]", "unique_id": "c"}),
    ("math500", {"problem": "Which interval?", "solution": "", "answer": "[0,\\pi]", "unique_id": "d"}),
    ("math500", {"problem": "Which interval?", "solution": "", "answer": "[05,7]", "unique_id": "e"}),
    ("humaneval", {"task_id": "HumanEval/0", "prompt": "def f(a):\n    \"\"\" Twice. \"\"\"\n", "entry_point": "f", "canonical_solution": "    return 2 * a\n", "test": "\n\nMETADATA = {}\n\n\ndef check(candidate):\n    assert candidate(1) == 2\n"}),
    ("mbpp", {"task_id": 11, "text": "Write a function to add.", "code": "def add(a, b):\r\n  return a + b", "test_list": ["assert add(1, 2) == 3", "assert add(2, 2) == 4", "assert add(0, 0) == 0", "assert add(9, 9) == 18"], "test_setup_code": "x = 1", "challenge_test_list": []}),
]


def rendered(template, line):
    """A template of the tasks, which hold nothing but expressions and one choice between few-shot and not."""
    template = re.sub(r"{%.*?{% else %}(.*?){% endif %}", r"\1", template, flags=re.DOTALL)
    return re.sub(r"{{(.+?)}}", lambda found: str(eval(found[1], {}, line)), template)


def write_prompts(daedal):
    cases = []
    for name, line in LINES:
        folder = daedal / "dllm_eval" / "tasks" / name
        config = dict(re.findall(r"^(doc_to_\w+): (.*)$", (folder / f"{name}.yaml").read_text(), re.MULTILINE))
        called = re.match(r"!function utils\.(\w+)", config["doc_to_text"])
        if called:
            prompt = functions(folder / "utils.py")[called[1]](line)
        else:
            prompt = rendered(json.loads(config["doc_to_text"]), line)
        target = rendered(json.loads(config["doc_to_target"]), line)
        # As ConfigurableTask.doc_to_target does, before the target is written down and read as text again.
        if target[:1] == "[" and target[-1:] == "]":
            try:
                target = str(ast.literal_eval(target))
            except (SyntaxError, ValueError):
                pass
        cases.append({"benchmark": name, "line": line, "prompt": prompt, "target": target})
    out = ROOT / "tests" / "checkers" / "prompts.json"
    out.write_text("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n")
    print(f"{out}: {len(cases)} prompts")


# ---- code of HumanEval and MBPP --------------------------------------------------------------------------------------

# Lines that programs are made of; many of them do not fit together.
CODE = [
    "import math", "from os import path", "import re, sys", "def f(a, b=0):", "def g(x):", "    return g(a) + b", "    return a.g", "    pass",
    "    x = helper(2)", "\treturn x", "    if a:", "        return 1", "    else:", "        yield 2", "class A:", "    def f(self):",
    "        return f(1)", "helper = lambda x: h(x)", "x, y = 1, 2", "h = K = 3", "x: int = f", "a.b = f", "async def f(x):", "@helper",
    "print(f(1))", "if __name__ == '__main__':", "", "   ", "# a comment", "```", "```python", "```python\r", "text that is no code", "return 5",
    'def f(s: "A", *args, **kw) -> A:', '    """A docstring."""', "    def f2(z):", "        return math.sqrt(z) + A()", "    return [g(i) for i in a]",
    "    try:", "        f(a)", "    except A as error:", "        raise", "assert f(1) == 1", "global f", "f = f2 = g", "\x0cdef g(y): return y",
    "def  f ( a ) : return a", "    def inner():", "lambda: f", "<answer>", "</answer><|endoftext|>", "    return 1<|endoftext|>", "x = 'a\\", "y = (1,",
]  # fmt: skip

PROMPTS = [
    'def f(a):\n    """ Twice. """\n',
    "from typing import List\n\n\ndef helper(x):\n    return x\n\n\ndef f(a: List[int]) -> int:\n    \"\"\" Uses helper.\n    >>> f([1])\n    1\n    \"\"\"\n",
    "",
]


def texts(rng):
    """Answers: lines of code in fences or not, whole programs, and what a model writes around them."""
    for _ in range(1500):
        code = "\n".join(rng.choice(CODE) for _ in range(rng.randint(0, 14)))
        frame = rng.choice(["{}", "```python\n{}\n```", "so\n```python\n{}\n```\n</answer>", "```python\n{}", "```\n{}\n```", "```python\n\n{}```{}"])
        yield frame.replace("{}", code)
    whole = "def helper(x):\n    return g(x)\n\ndef g(x):\n    return x * 2\n\ndef f(a):\n    return helper(a)\n\nunused = 1\n"
    for frame in ["```python\n{}```", "```python\n{}", "{}", "```python\n{}print(f(2))\n```", "```python\r\n{}```"]:
        for code in [whole, whole.replace("\n", "\r\n"), whole.replace("    ", "\t"), whole * 9, "\n" * 99 + whole]:
            yield frame.format(code)


def compare_code(daedal):
    path = ROOT / "assets" / "python" / "check_code.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    ours = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ours)
    humaneval = functions(daedal / "metrics" / "humaneval.py")
    mbpp = functions(daedal / "metrics" / "mbpp.py")
    asked = found = 0
    for text in texts(random.Random(SEED)):
        for prompt in PROMPTS:
            for entry_point in ["f", "A", "nothing"]:
                code = text.split("```python\n", 1)[-1].split("```")[0]
                theirs = humaneval["sanitize"](prompt + "\n" + code, entry_point)
                if ours.humaneval_code(text, prompt, entry_point) != theirs:
                    raise SystemExit(f"humaneval.py and check_code.py differ on {text!r} behind {prompt!r} for {entry_point}")
                asked, found = asked + 1, found + bool(theirs)
        code = mbpp["extract_python_code"](text)
        entry_point = mbpp["find_entry_point"](code)
        theirs = mbpp["sanitize"](code, entrypoint=entry_point) if code and entry_point else None
        if ours.mbpp_code(text) != theirs:
            raise SystemExit(f"mbpp.py and check_code.py differ on {text!r}")
        asked, found = asked + 1, found + bool(theirs)
    print(f"{path}: the same code as published in {asked} answers, in {found} of them some")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--daedal", type=Path, required=True, help="a checkout of the DAEDAL repository")
    daedal = parser.parse_args().daedal
    write_answers(daedal)
    write_prompts(daedal)
    compare_code(daedal)


if __name__ == "__main__":
    main()
