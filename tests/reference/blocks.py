#!/usr/bin/env python3
"""Runs published samplers of block diffusion on the tiny checkpoints of tests/golden, and writes what they did to
tests/golden/traces.

How to run it (CPU only, some minutes; the Python needs torch, safetensors, numpy, transformers and tqdm):

    pip download --no-deps sglang==0.5.23 && unzip sglang-*.whl -d sglang
    git clone https://github.com/ZHZisZZ/dllm
    git clone https://github.com/InternLM/lmdeploy
    git clone https://github.com/Labman42/JetEngine
    python tests/reference/blocks.py --sglang sglang --dllm dllm --lmdeploy lmdeploy --jetengine JetEngine

Traces are made of the programs that are given, and of no others. They are the published functions and classes, with
blank modules where they import what needs a GPU; forward passes are those of tests/python/networks.py under a
block-causal mask, and the draw of a token is the argmax (its probability is the softmax at temperature 1):

- joint_threshold_sglang: `JointThreshold` through `DllmAlgorithm.run`, and `Req.update_finish_state`; the order of
  blocks around them is the server's, written here. The batched step must decide the same as the step for one row.
- indel_sglang: `JointThresholdInDel` in the same way. The tokens that delete and split are those that a run without them
  predicts most often, or the second most, and so on.
- joint_threshold_dllm: `LLaDA2MoeModelLM.generate` as dLLM carries it from the LLaDA2.1 checkpoints, beside
  `LLaDA21Sampler`, which must make the same passes.
- sdar_lmdeploy: `DLLMModelAgentStrategy.post_sampling` (`UnmaskingProcessor`) and `DLLMStoppingCriteria`; what its
  sequences keep between passes is written here.
- sdar_entropy_bounded: JetEngine's `LLMEngine.step` with its `Scheduler` and `Sequence`; its three versions of the
  rule must decide the same.

A run is kept only if three runs with weights changed by a factor of 1 + 1e-5 * N decide the same at every step. Runs
with `model` null have no network: logits are made of few levels from the tokens of the block, so that many
confidences are equal, and some predictions are the mask.
"""

import argparse
import ast
import hashlib
import importlib
import importlib.machinery
import importlib.util
import json
import sys
import types
import typing
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.nn.functional as F

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "python"))
sys.path.insert(0, str(TESTS / "reference"))
from networks import Network  # noqa: E402
from rules import functions, moved, numbers  # noqa: E402

MODELS = TESTS / "golden/models"
TRACES = TESTS / "golden/traces"
MASK = 507


class Endless(Exception):
    """More passes than a run that ends can need."""


class Blank(types.ModuleType):
    """A module in which every name is an empty class, or one of the files that are imported."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if "%s.%s" % (self.__name__, name) in self.__loader__.files:
            return importlib.import_module("%s.%s" % (self.__name__, name))
        made = type(name, (), {"__init__": lambda self, *_, **__: None})
        setattr(self, name, made)
        return made


class Package:
    """Imports the files that are named from where a package lies, and blank modules for the rest of it."""

    def __init__(self, root, folder, files, blank=(), given=None):
        self.roots, self.folder, self.files, self.given = {root, *blank}, folder, files, given or {}
        sys.meta_path.insert(0, self)

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in self.roots:
            return None
        if name in self.files:
            file = self.folder / name.replace(".", "/")
            folder = file.is_dir()
            return importlib.util.spec_from_file_location(
                name,
                file / "__init__.py" if folder else file.with_suffix(".py"),
                submodule_search_locations=[str(file)] if folder else None,
            )
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Blank(spec.name)

    def exec_module(self, module):
        vars(module).update(self.given.get(module.__name__, {}))


def methods(path, owner, *names):
    """Methods of a class of a file as functions, without its imports and the rest of it."""
    tree = ast.parse(path.read_text())
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner]
    body = [node for node in classes[0].body if isinstance(node, ast.FunctionDef) and (not names or node.name in names)]
    return ast.Module([ast.ClassDef(owner, [], [], body, [], type_params=[])], [])


# ---- forward passes -----------------------------------------------------------------------------------------------


def block_causal(length, width):
    """0 where a position sees another, -inf elsewhere."""
    block = torch.arange(length) // width
    return torch.zeros(length, length).masked_fill(block[:, None] < block[None, :], -torch.inf)[None, None]


class Watched:
    """Forward passes over a sequence that ends with the block in work, written down where asked to."""

    def __init__(self, logits, width, most=400):
        self.logits, self.width, self.most, self.steps = logits, width, most, []

    def __call__(self, ids):
        """Logits of the last block."""
        if len(self.steps) >= self.most:
            raise Endless
        with torch.no_grad():
            return self.logits(ids, self.width)

    def note(self, ids, logits, alternatives=0):
        """A pass that something is decided on, with so many of the best tokens."""
        logits = logits.reshape(self.width, -1)
        p = torch.softmax(logits, -1)
        best = logits.argmax(-1)
        chosen = p.gather(-1, best[:, None])[:, 0]
        entropy = -(p.clamp_min(1e-12) * p.clamp_min(1e-12).log()).sum(-1)
        self.steps.append(
            {
                "block_before": list(ids[-self.width :]),
                "argmax": best.tolist(),
                "p_argmax": numbers(chosen),
                "entropy": numbers(entropy),
            }
        )
        if alternatives:
            # `torch.topk` takes equals in no order that is promised.
            order = torch.sort(logits, dim=-1, descending=True, stable=True).indices[:, :alternatives]
            rows = [list(zip(ids, numbers(p))) for ids, p in zip(order.tolist(), p.gather(-1, order))]
            self.steps[-1]["alternatives"] = rows

    def after(self, block):
        """What the block is behind the pass that was written down last."""
        self.steps[-1]["block_after"] = list(block)


def of_network(network):
    def logits(ids, width):
        return network(torch.tensor([ids]), block_causal(len(ids), width))[0, -width:]

    return logits


def of_ranks(seed, masks):
    """Logits of the same few levels at every position, for three tokens of eight or the mask, from the tokens of the block."""

    def logits(ids, width):
        rows = torch.zeros(width, 512)
        start = len(ids) - width
        for at in range(width):
            digest = hashlib.sha256(("%d %d %s" % (seed, start + at, ids[start:])).encode()).digest()
            for place, level in enumerate((8.0, 6.0, 5.0)):
                token = MASK if masks and digest[8 + place] % masks == 0 else 20 + digest[place] % 8
                rows[at, token] = max(float(rows[at, token]), level - digest[5] % 3)
        return rows

    return logits


def of_table(seed, masks):
    """Logits of three levels from the tokens of the block; with `masks`, one prediction in so many is the mask."""

    def logits(ids, width):
        rows = torch.zeros(width, 512)
        start = len(ids) - width
        for at in range(width):
            key = "%d %d %s" % (seed, start + at, ids[start:])
            digest = hashlib.sha256(key.encode()).digest()
            token = MASK if masks and digest[0] % masks == 0 else 20 + digest[1] % 8
            rows[at, token] = (4.0, 6.0, 8.0)[digest[2] % 3]
        return rows

    return logits


# ---- the programs: each returns the sequence up to the end of the last block --------------------------------------


def sglang(folder, name="joint_threshold"):
    package = "sglang.srt.dllm.algorithm"
    files = (package, package + ".base", package + "." + name)
    Package("sglang", folder, files, given={"sglang.srt.utils": {"is_npu": lambda: False}})
    algorithm = importlib.import_module(package + "." + name).Algorithm
    space = {"List": typing.List, "FINISH_MATCHED_TOKEN": SimpleNamespace, "FINISH_LENGTH": SimpleNamespace}
    names = ("update_finish_state", "_check_token_based_finish")
    code = methods(folder / "sglang/srt/managers/schedule_batch.py", "Req", *names)
    exec(compile(ast.fix_missing_locations(code), "schedule_batch.py", "exec"), space)

    class Request(space["Req"]):
        """What finishing a request reads of it."""

        to_finish = finished_reason = grammar = tokenizer = None

        def __init__(self, eos, length, stops):
            self.output_ids, self.eos_token_ids = [], {eos}
            self.sampling_params = SimpleNamespace(ignore_eos=not stops, stop_token_ids=None, max_new_tokens=length)

        def finished(self):
            return self.finished_reason is not None

        def _check_vocab_boundary_finish(self, _):
            return False

        def _check_str_based_finish(self, _):
            return False

        def _cap_finished_len_at_max_new_tokens(self):
            pass

    def lowered(logits, block, by):
        """What the step reads: it lowers the logits itself, in place."""
        logits = logits.clone()
        if by > 0:
            at = torch.arange(1, len(block))
            logits[at, torch.tensor(block[:-1])] += -by
        return logits

    def alternatives(block, state):
        """How many of the best tokens are one more than may be forbidden at a position."""
        if name != "joint_threshold_indel":
            return 0
        repeated = tuple(block) in state["seen_input_keys"]
        forbidden = [len(tokens | {MASK}) for tokens in state["sampled_history"].values() if repeated]
        return 1 + max([3, *forbidden])

    def run(watched, prompt, params, eos, vectorized=False):
        width = params["block_size"]
        names = ("threshold", "edit_threshold", "max_post_edit_steps", "penalty_lambda")
        given = {name: params[name] for name in names if name in params}
        config = SimpleNamespace(
            block_size=width,
            mask_id=MASK,
            first_done_first_out_mode=False,
            algorithm_config={**given, "vectorized_decoding": vectorized},
            delete_token_id=params.get("delete_token_id"),
            split_token_id=params.get("split_token_id"),
        )
        decoder, step = algorithm(config), algorithm.step

        def noted(forward_batch, full_logits, states):
            if name == "joint_threshold_indel" and states[0]["finished"]:
                # The pass that only keeps the keys of the block.
                return step(decoder, forward_batch=forward_batch, full_logits=full_logits, states=states)
            block = forward_batch.input_ids.tolist()
            watched.note(block, lowered(full_logits, block, params.get("penalty_lambda", 0)), alternatives(block, states[0]))
            done = step(decoder, forward_batch=forward_batch, full_logits=full_logits, states=states)
            watched.after(forward_batch.input_ids.tolist())
            return done

        decoder.step = noted
        request = Request(eos, params["max_new_tokens"], params["eos_early_stop"])
        start = len(prompt) // width * width
        while not request.finished():
            known = prompt + request.output_ids
            block = known[start:] + [MASK] * (start + width - len(known))
            # As `ForwardBatch` has it: needed only where what is known holds the mask token.
            fixed = torch.arange(start, start + width)[None] < len(known) if MASK in known else None
            batch = SimpleNamespace(batch_size=1, input_ids=torch.tensor(block), dllm_prompt_mask=fixed)

            def forward(batch, pp_proxy_tensors=None):
                logits = watched(known[:start] + batch.input_ids.tolist())  # noqa: B023
                return SimpleNamespace(logits_output=SimpleNamespace(full_logits=logits), can_run_graph=False)

            tokens = decoder.run(SimpleNamespace(forward=forward), batch)[1][0].tolist()
            request.output_ids.extend(tokens)
            request.update_finish_state(new_accepted_len=len(tokens))
            start += width
        return prompt + request.output_ids

    def both(watched, prompt, params, eos):
        other = Watched(watched.logits, watched.width)
        ids = run(watched, prompt, params, eos)
        assert run(other, prompt, params, eos, True) == ids and other.steps == watched.steps, "the versions differ"
        return ids

    return both if name == "joint_threshold" else run


def indel(folder):
    return sglang(folder, "joint_threshold_indel")


def dllm(folder):
    llada21 = folder / "dllm/pipelines/llada21"
    names = ("generate", "_sample_with_temperature_topk_topp", "_top_k_logits", "_top_p_logits")
    space = {"torch": torch, "F": F, "Optional": typing.Optional}
    code = methods(llada21 / "models/modeling_llada21_moe.py", "LLaDA2MoeModelLM", *names)
    exec(compile(ast.fix_missing_locations(code), "modeling_llada21_moe.py", "exec"), space)
    model = space["LLaDA2MoeModelLM"]
    Package("dllm", folder, ("dllm.pipelines.llada21.sampler", "dllm.core.samplers.base"))
    sampler = importlib.import_module("dllm.pipelines.llada21.sampler").LLaDA21Sampler

    def passes(watched):
        """A forward pass that is written down, and the view of the canvas that the last one had."""
        last = []

        def forward(ids, attention_mask, position_ids):
            length = ids.shape[1]
            if last:
                watched.after(last[0][0, -watched.width :].tolist())
            assert attention_mask.float().equal(block_causal(length, watched.width)), "another mask"
            assert position_ids.tolist() == [list(range(length))], "other positions"
            logits = watched(ids[0].tolist())
            watched.note(ids[0].tolist(), logits)
            last[:] = [ids]
            rows = torch.zeros(1, length, logits.shape[-1])
            rows[0, -watched.width :] = logits
            return SimpleNamespace(logits=rows)

        return forward, last

    def run(watched, prompt, params, eos):
        given = {name: value for name, value in params.items() if name != "variant"}
        forward, last = passes(watched)
        this = model()
        this.device, this.forward = torch.device("cpu"), forward
        answer = this.generate(torch.tensor([prompt]), eos_id=eos, mask_id=MASK, **given)[0].tolist()
        ids = last[0][0].tolist()
        watched.after(ids[-watched.width :])
        assert ids[len(prompt) :][: len(answer)] == answer, "another answer"
        other = Watched(watched.logits, watched.width)
        forward, _ = passes(other)

        class Model:
            device = torch.device("cpu")

            def __call__(self, ids, attention_mask, position_ids):
                return forward(ids, attention_mask, position_ids)

        tokenizer = SimpleNamespace(mask_token_id=MASK, eos_token_id=eos)
        names = {"gen_length": "max_new_tokens", "block_length": "block_size"}
        given = {names.get(name, name): value for name, value in given.items()}
        sampler(Model(), tokenizer, object()).sample([torch.tensor(prompt)], **given)
        other.after(ids[-watched.width :])
        assert other.steps == watched.steps, "dLLM's sampler decides otherwise"
        return ids

    return run


def lmdeploy(folder):
    of = "lmdeploy.pytorch."
    names = ["consts", "messages", "block", "prefix_cache_state"]
    names += ["strategies.%s.%s" % pair for pair in (("base", "sequence"), ("base", "model_agent"), ("ar", "sequence"))]
    names += ["strategies.dllm." + name for name in ("sequence", "model_agent", "unmasking")]
    tree = ast.parse((folder / "lmdeploy/pytorch/config.py").read_text())
    tree.body = [node for node in tree.body if getattr(node, "name", "") in ("UnmaskingStrategy", "DLLMConfig")]
    space = {"enum": importlib.import_module("enum"), "dataclass": importlib.import_module("dataclasses").dataclass}
    exec(compile(tree, "config.py", "exec"), space)
    space = {name: space[name] for name in ("UnmaskingStrategy", "DLLMConfig")}
    Package("lmdeploy", folder, [of + name for name in names], given={of + "config": space})
    agents = importlib.import_module(of + "strategies.dllm.model_agent")
    sequences = importlib.import_module(of + "strategies.dllm.sequence")
    messages = importlib.import_module(of + "messages")
    consts = importlib.import_module(of + "consts")

    def run(watched, prompt, params, stop):
        width = params["block_length"]
        config = space["DLLMConfig"](
            block_length=width,
            unmasking_strategy=space["UnmaskingStrategy"].from_str(params["remasking_strategy"]),
            denoising_steps=params["denoising_steps"],
            confidence_threshold=params["confidence_threshold"],
        )
        agent, strategy = agents.DLLMModelAgentStrategy(config, MASK), sequences.DLLMSequenceStrategy(width, MASK)
        session = SimpleNamespace(seq_meta=messages.SequenceMeta(block_size=64, strategy=strategy))
        # Its own class of parameters; more of them is not read.
        given = SimpleNamespace(max_new_tokens=params["gen_length"])
        sequence = strategy.make_sequence(seq_id=0, session=session, sampling_param=given)
        over = []
        sequence.set_state(SimpleNamespace(status=messages.MessageStatus.RUNNING, finish=lambda: over.append(True)))
        sequence.update_token_ids(torch.tensor(prompt))
        criteria = agent.make_stopping_criteria([sequence])
        stops = torch.tensor(stop) if stop else None
        passes = 0
        while not over:
            start, ids = sequence.num_history_ids, sequence.token_ids
            inputs = SimpleNamespace(
                input_ids=torch.tensor(ids)[None],
                seq_length=torch.tensor([len(ids)]),
                history_lengths=torch.tensor([start]),
                is_chunk=False,
                is_decoding=passes > 0,
            )
            passes += 1
            logits = watched(sequence.history_cache[: start + len(ids)].tolist())
            state = agent.make_extra_inputs([sequence], inputs)
            state = agent.slice_extra_inputs(state, inputs, {})
            state.dllm_mask = state.dllm_mask.clone()
            noted = bool((state.dllm_mask == consts.DLLM_MASKED).any())
            if noted:
                watched.note(ids.tolist(), logits)
            tokens, state = agent.post_sampling(inputs, logits, logits.argmax(-1), state)
            stopped, position, criteria = criteria.step(tokens, stops, inputs=inputs, extra_inputs=state)
            output = SimpleNamespace(
                next_token_ids=tokens.clone(),
                stopped=stopped,
                stop_pos=position,
                model_metas=None,
                extra_outputs=agent.make_extra_outputs(agents.DLLMExtraInputs(dllm_mask=state.dllm_mask.clone())),
            )
            strategy.update_running([sequence], output, inputs, None)
            if noted:
                block = sequence.all_ids[-width:] if len(sequence.all_ids) == start + len(ids) else None
                watched.after(block.tolist())
        return sequence.all_ids.tolist()

    return run


def jetengine(folder):
    class Pipe:
        """Softmax at a temperature."""

        def __init__(self, _):
            pass

        def __call__(self, logits, temperature):
            return torch.softmax(logits / temperature, -1)

    def greedy(probs, top_k, top_p):
        return probs.argmax(-1)

    of = "jetengine.engine."
    files = ["jetengine.sampling_params", *(of + name for name in ("scheduler", "sequence", "block_manager", "llm_engine"))]
    given = {
        "flashinfer.logits_processor": {"LogitsPipe": Pipe},
        "flashinfer.sampling": {"top_k_top_p_sampling_from_probs": greedy},
    }
    Package("jetengine", folder, files, ("flashinfer", "xxhash"), given)
    engines = importlib.import_module(of + "llm_engine")
    sequences = importlib.import_module(of + "sequence")
    params_of = importlib.import_module("jetengine.sampling_params").SamplingParams

    class Runner:
        """Forward passes for one sequence."""

        def __init__(self, watched):
            self.watched, self.noted, self.sequence = watched, False, None

        def run(self, seqs, run_type):
            (self.sequence,) = seqs
            if run_type == sequences.RunType.PREFILL:
                return None
            block = self.sequence.intermediate_block_tokens.tolist()
            logits = self.watched(self.sequence.token_ids + block)
            self.noted = self.sequence.status == sequences.SequenceStatus.DENOISING
            if self.noted:
                self.watched.note(block, logits)
            return logits

    def run(watched, prompt, params, stop, version="postprocess_unify"):
        config = SimpleNamespace(
            max_num_seqs=1,
            max_num_batched_tokens=1 << 20,
            eos=-1,
            mask_token_id=MASK,
            diversity_enforce=False,
            epsilon_greedy=False,
            epsilon=0.0,
            diversity_enforce_barrier=0,
            num_kvcache_blocks=64,
            kvcache_block_size=256,
            max_model_len=1 << 20,
        )
        engine = engines.LLMEngine.__new__(engines.LLMEngine)
        engine.config, engine.model_runner = config, Runner(watched)
        engine.scheduler = engines.Scheduler(config)
        engine.scheduler.consistent_sampling_params = version == "postprocess_unify"
        if version == "postprocess_loop":
            loop = engine.scheduler.postprocess_loop
            engine.scheduler.postprocess = lambda *given: loop(*given) or []
        engine.tokenizer = SimpleNamespace(pad_token_id=-1, eos_token_id=-1)
        engine.exit = lambda: None
        given = params_of(
            max_tokens=params["gen_length"],
            block_length=params["block_length"],
            denoising_steps=params["denoising_steps"],
            eb_threshold=params["eb_threshold"],
            remasking_strategy=params["remasking_strategy"],
            stop_words=list(stop or []),
        )
        engine.add_request(list(prompt), given)
        for _ in range(2000):
            if engine.is_finished():
                break
            engine.step()
            if engine.model_runner.noted:
                watched.after(engine.model_runner.sequence.intermediate_block_tokens.tolist())
                engine.model_runner.noted = False
        else:
            raise Endless
        return engine.model_runner.sequence.token_ids

    def all_three(watched, prompt, params, stop):
        ids = run(watched, prompt, params, stop)
        for version in ("postprocess", "postprocess_loop"):
            other = Watched(watched.logits, watched.width)
            assert run(other, prompt, params, stop, version) == ids, version
            assert other.steps == watched.steps, version
        return ids

    return all_three


# ---- runs ---------------------------------------------------------------------------------------------------------


def run(program, logits, prompt, params, end):
    """What a program did: the steps and the sequence, or None if it does not end."""
    width = params.get("block_size") or params["block_length"]
    watched = Watched(logits, width)
    given = {name: value for name, value in params.items() if name != "variant"}
    try:
        with torch.no_grad():
            ids = program(watched, list(prompt), given, end)
    except Endless:
        return None
    return watched.steps, ids


def decided(made):
    """Of a run what must not change."""
    return made and ([(step["block_before"], step["block_after"]) for step in made[0]], made[1])


def cases(kind):
    """Model (None: a table), tokens of the prompt, where the end of sequence stands, parameters and more."""
    made = {
        "joint_threshold_sglang": SGLANG,
        "indel_sglang": INDEL,
        "joint_threshold_dllm": DLLM,
        "sdar_lmdeploy": LMDEPLOY,
        "sdar_entropy_bounded": ENTROPY_BOUNDED,
    }[kind]
    names = ("llada-a", "qwen3-a", "llada-b", "qwen2-a")
    networks = tables = 0
    for prompt, params, more in made:
        if more.get("table") or more.get("ranks"):
            yield "table-%02d" % tables, None, prompt, params, more
            tables += 1
        else:
            name = names[networks % len(names)]
            yield "%s-%02d" % (name, networks), name, prompt, params, more
            networks += 1


def edits(prompt, length, block, threshold, edit, post, stops=True, penalty=None, **more):
    params = {
        "variant": "sglang",
        "threshold": threshold,
        "edit_threshold": edit,
        "max_post_edit_steps": post,
        "block_size": block,
        "max_new_tokens": length,
        "eos_early_stop": stops,
    }
    if penalty is not None:
        params["penalty_lambda"] = penalty
    return prompt, params, more


# `end`: the end-of-sequence token is what the run without one has first at that generated position. `fixed`: the last tokens
# of the prompt. `table`: no network but a table, of that seed; `masks`: one prediction in so many is the mask.
SGLANG = [
    edits(13, 32, 8, 0.5, 0, 16),
    edits(5, 24, 32, 0.5, 0, 16),
    edits(11, 24, 8, 0.0, 0, 4),
    edits(16, 24, 8, 1.0, 1.0, 16),
    edits(7, 24, 8, 2.0, 0, 0),
    edits(9, 40, 8, 0.2, 0.3, 1),
    edits(24, 24, 8, 0.4, 0.2, 3),
    edits(12, 40, 8, 0.3, 0.2, 4, end=1),
    edits(16, 40, 8, 0.3, 0.2, 4, end=12),
    edits(10, 24, 8, 0.3, 0.2, 4, stops=False, end=1),
    edits(13, 24, 8, 0.3, 0.1, 4, fixed=[MASK, 40]),
    edits(3, 6, 1, 0.5, 0, 2),
    edits(6, 30, 4, 0.35, 0.9, 2),
    edits(1, 33, 16, 0.15, 0.05, 7),
    edits(15, 1, 16, 0.5, 0, 16),
    edits(5, 32, 8, 2.0, 0, 3, table=1),
    edits(8, 32, 8, 0.5, 0.5, 5, table=2),
    edits(20, 40, 32, 2.0, 1.0, 2, table=3),
    edits(6, 32, 8, 0.5, 0.5, 3, table=4, masks=5),
    edits(9, 48, 8, 0.3, 0.3, 0, table=5, masks=2, end=9),
    edits(4, 48, 8, 0.9, 0.9, 1, table=6, masks=2, end=2),
    edits(4, 40, 16, 0.9, 0.1, 6, table=7, masks=9, end=21),
    edits(13, 32, 8, 0.3, 0.1, 8, penalty=1.0),
    edits(7, 40, 16, 0.5, 0, 3, penalty=0.25),
    edits(16, 24, 8, 0.2, 0.2, 4, penalty=30.0),
    edits(5, 24, 4, 0.4, 0.1, 6, penalty=4.0, end=7),
    edits(10, 32, 8, 2.0, 0, 3, penalty=2.0, table=8, masks=5),
    edits(6, 48, 16, 0.5, 0.4, 4, penalty=2.0, table=9),
]


def indels(*given, **more):
    prompt, params, more = edits(*given, **more)
    del params["variant"]
    return prompt, params, more


# `delete`, `split`: how often the token that does so is predicted in a run without one: 0 is the most. `ranks`: no network but
# a table as above, with several tokens at a position, of which 20 deletes and 21 splits.
INDEL = [
    indels(13, 32, 8, 0.5, 0, 16, delete=1, split=2),
    indels(5, 24, 32, 0.5, 0, 16, delete=2, split=0),
    indels(11, 24, 8, 0.0, 0, 4, delete=0, split=1),
    indels(16, 24, 8, 1.0, 1.0, 16, delete=0, split=1),
    indels(7, 24, 8, 2.0, 0, 0, delete=1, split=0),
    indels(9, 40, 8, 0.2, 0.3, 1, delete=3, split=1),
    indels(24, 24, 8, 0.4, 0.2, 3, delete=2, split=3),
    indels(12, 40, 8, 0.3, 0.2, 4, delete=2, split=4, end=1),
    indels(16, 40, 8, 0.3, 0.2, 4, delete=3, split=5, end=12),
    indels(10, 24, 8, 0.3, 0.2, 4, stops=False, delete=2, split=3, end=1),
    indels(13, 24, 8, 0.3, 0.1, 4, delete=1, split=3, fixed=[MASK, 40]),
    indels(3, 6, 1, 0.5, 0, 2, delete=0, split=1),
    indels(6, 30, 4, 0.35, 0.9, 2, delete=4, split=0),
    indels(1, 33, 16, 0.15, 0.05, 7, delete=1, split=0),
    indels(15, 1, 16, 0.5, 0, 16, delete=0, split=2),
    indels(8, 24, 8, 0.6, 0, 30, delete=0, split=3),
    indels(14, 32, 16, 0.1, 0.1, 0, delete=2, split=1),
    indels(6, 16, 4, 2.0, 0, 1, delete=9, split=0),
    indels(5, 32, 8, 2.0, 0, 3, ranks=1),
    indels(8, 32, 8, 0.5, 0.5, 5, ranks=2),
    indels(20, 40, 32, 2.0, 1.0, 2, ranks=3),
    indels(6, 32, 8, 0.5, 0.5, 3, ranks=4, masks=5),
    indels(9, 48, 8, 0.3, 0.3, 0, ranks=5, masks=2, end=9),
    indels(4, 48, 8, 0.9, 0.9, 1, ranks=6, masks=2, end=2),
    indels(4, 40, 16, 0.9, 0.1, 6, ranks=7, masks=9, end=5),
    indels(2, 24, 4, 0.5, 0, 9, ranks=8, masks=12),
    indels(7, 12, 2, 0.5, 0, 20, ranks=9),
    indels(3, 9, 1, 0.9, 0, 25, ranks=10, masks=7),
    indels(16, 24, 8, 0.0, 0.0, 16, ranks=11),
    indels(9, 64, 32, 0.8, 0, 16, ranks=12, masks=20),
]


def refined(prompt, length, block, threshold, edit, post, least=1, stops=False, **more):
    params = {
        "variant": "dllm",
        "threshold": threshold,
        "editing_threshold": edit,
        "max_post_steps": post,
        "num_to_transfer": least,
        "block_length": block,
        "gen_length": length,
        "eos_early_stop": stops,
    }
    return prompt, params, more


DLLM = [
    refined(13, 32, 8, 0.95, 0.9, 16),
    refined(5, 24, 32, 0.5, 0.3, 16),
    refined(11, 24, 8, 0.0, 0.0, 4),
    refined(16, 24, 8, 1.0, 1.0, 16),
    refined(7, 24, 8, 2.0, 0.2, 0),
    refined(9, 40, 8, 0.2, 0.3, 1),
    refined(24, 24, 8, 0.4, 0.2, 3, least=3),
    refined(12, 40, 8, 0.3, 0.2, 4, stops=True, end=1),
    refined(16, 40, 8, 0.3, 0.2, 4, stops=True, end=12),
    refined(10, 24, 8, 0.3, 0.2, 4, end=1),
    refined(3, 6, 1, 0.5, 0.0, 2),
    refined(6, 30, 4, 0.35, 0.9, 2, least=9),
    refined(1, 33, 16, 0.15, 0.05, 7, least=2),
    refined(15, 1, 16, 0.5, 0.1, 16),
    refined(8, 32, 8, 0.25, 0.1, 2, least=2, stops=True, end=20),
    refined(5, 32, 8, 2.0, 0.0, 3, table=1),
    refined(8, 32, 8, 0.5, 0.5, 5, table=2),
    refined(20, 40, 32, 2.0, 1.0, 2, least=5, table=3),
    refined(6, 48, 16, 0.5, 0.9, 2, least=4, table=4),
    refined(6, 32, 8, 0.5, 0.3, 3, least=3, table=5, masks=6),
    refined(9, 48, 8, 0.3, 0.3, 1, stops=True, table=6, masks=4, end=9),
    refined(4, 40, 16, 0.9, 0.1, 6, stops=True, table=7, end=4),
]


def unmasked(prompt, length, block, strategy, steps, threshold=0.85, **more):
    params = {
        "variant": "lmdeploy",
        "gen_length": length,
        "block_length": block,
        "denoising_steps": steps,
        "confidence_threshold": threshold,
        "remasking_strategy": strategy,
    }
    return prompt, params, more


DYNAMIC, STATIC, SEQUENTIAL = "low_confidence_dynamic", "low_confidence_static", "sequential"
LMDEPLOY = [
    unmasked(13, 32, 8, DYNAMIC, 8),
    unmasked(16, 24, 8, DYNAMIC, 8, 0.3),
    unmasked(11, 24, 8, DYNAMIC, 4, 0.0),
    unmasked(5, 24, 8, DYNAMIC, 8, 1.0),
    unmasked(5, 20, 32, DYNAMIC, 1, 2.0),
    unmasked(14, 40, 4, DYNAMIC, 4, 0.2, end=1),
    unmasked(16, 40, 4, DYNAMIC, 4, 0.2, end=1),
    unmasked(9, 40, 8, STATIC, 3, end=12),
    unmasked(13, 32, 8, STATIC, 8),
    unmasked(16, 24, 8, STATIC, 1),
    unmasked(7, 24, 8, STATIC, 20),
    unmasked(3, 27, 16, STATIC, 5),
    unmasked(13, 32, 8, SEQUENTIAL, 3),
    unmasked(16, 24, 8, SEQUENTIAL, 8, end=3),
    unmasked(6, 24, 8, SEQUENTIAL, 1),
    unmasked(1, 6, 1, SEQUENTIAL, 1),
    unmasked(15, 1, 16, DYNAMIC, 16, 0.1),
    unmasked(24, 40, 8, DYNAMIC, 8, 0.25, end=10),
    unmasked(5, 32, 8, DYNAMIC, 8, 0.9, table=1),
    unmasked(8, 32, 8, DYNAMIC, 8, 0.4, table=2, end=18),
    unmasked(20, 64, 32, STATIC, 7, table=3),
    unmasked(6, 40, 16, STATIC, 5, table=4),
    unmasked(9, 40, 8, STATIC, 2, table=5, end=2),
]


def bounded(prompt, length, block, steps, gamma, **more):
    params = {
        "variant": "sdar",
        "gen_length": length,
        "block_length": block,
        "denoising_steps": steps,
        "eb_threshold": gamma,
        "remasking_strategy": "entropy_bounded",
    }
    return prompt, params, more


ENTROPY_BOUNDED = [
    bounded(13, 32, 4, 4, 0.35),
    bounded(16, 24, 8, 8, 2.0),
    bounded(11, 24, 8, 8, 0.0),
    bounded(5, 20, 32, 32, 6.0),
    bounded(7, 24, 8, 8, 100.0),
    bounded(9, 24, 8, 3, 4.0),
    bounded(3, 24, 8, 1, 5.0),
    bounded(16, 24, 4, 2, 0.0),
    bounded(12, 40, 8, 8, 5.0, end=1),
    bounded(16, 40, 8, 8, 5.0, end=12),
    bounded(14, 40, 8, 2, 5.0, end=1),
    bounded(3, 6, 1, 1, 0.6),
    bounded(15, 1, 16, 16, 8.0),
    bounded(6, 30, 4, 20, 3.0),
    bounded(1, 33, 16, 12, 9.0),
    bounded(24, 32, 8, 6, 7.0),
    bounded(5, 32, 8, 8, 4.0, table=1),
    bounded(8, 40, 8, 4, 6.0, table=2, end=18),
    bounded(20, 44, 16, 16, 9.0, table=3),
    bounded(6, 32, 8, 8, 5.0, table=4, masks=5),
    bounded(4, 48, 8, 3, 8.0, table=5, masks=3, end=6),
]


def record(kind, source, program, networks):
    """Writes a trace of each case: of the first prompt whose run is the same with slightly other weights."""
    folder = TRACES / kind
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    ends = "eos" if kind.startswith(("joint_threshold", "indel")) else "stop"
    for at, (name, model, length, params, more) in enumerate(cases(kind)):
        for seed in range(100 + at, 20100 + at, 1000):
            rng = torch.Generator().manual_seed(seed)
            prompt = torch.randint(20, 500, (length,), generator=rng).tolist()
            fixed = more.get("fixed", [])
            prompt[len(prompt) - len(fixed) :] = fixed
            if model:
                logits, *others = [of_network(network) for network in networks[model]]
            elif "ranks" in more:
                logits, others = of_ranks(more["ranks"] + seed, more.get("masks")), []
                params = {**params, "delete_token_id": 20, "split_token_id": 21}
            else:
                logits, others = of_table(more["table"] + seed, more.get("masks")), []
            end = 511 if ends == "eos" else None
            if "delete" in more:
                found = {"delete_token_id": 509, "split_token_id": 510}
                steps = (run(program, logits, prompt, {**params, **found}, end) or [()])[0]
                often = Counter(token for step in steps for token in step["argmax"])
                ranked = sorted(often, key=lambda token: (-often[token], token))
                if max(more["delete"], more["split"]) >= len(ranked):
                    continue
                found = {name + "_token_id": ranked[more[name]] for name in ("delete", "split")}
                params = {**params, **found}
                if MASK in found.values():
                    continue
            if "end" in more:
                without = run(program, logits, prompt, params, end)
                written = without[1][length:] if without else [MASK]
                token = written[more["end"] % len(written)]
                if token == MASK or written.index(token) != more["end"]:
                    continue
                end = token if ends == "eos" else [token]
            made = run(program, logits, prompt, params, end)
            if not made or any(decided(run(program, other, prompt, params, end)) != decided(made) for other in others):
                continue
            steps, ids = made
            # lmdeploy writes the mask token as any other.
            if kind == "sdar_lmdeploy" and any(MASK in step["argmax"] for step in steps):
                continue
            if kind != "sdar_entropy_bounded":
                for step in steps:
                    del step["entropy"]
            break
        else:
            print(kind, name, "left out")
            continue
        trace = {
            "kind": kind,
            "source": source,
            "model": model,
            "prompt": prompt,
            "mask": MASK,
            ends: end,
            "params": params,
            "final_ids": ids[length:],
        }
        lines = [json.dumps(key) + ":" + json.dumps(value, separators=(",", ":")) for key, value in trace.items()]
        rows = ",\n".join(json.dumps(step, separators=(",", ":")) for step in steps)
        (folder / (name + ".json")).write_text("{\n" + ",\n".join(lines) + ',\n"steps":[\n' + rows + "\n]\n}\n")
        print(kind, name, len(steps), "steps")


def main():
    torch.set_num_threads(1)
    arguments = argparse.ArgumentParser()
    for name in ("sglang", "dllm", "lmdeploy", "jetengine"):
        arguments.add_argument("--" + name, type=Path)
    arguments.add_argument("--kind", help="make only traces of this kind")
    given = arguments.parse_args()
    programs = {
        "joint_threshold_sglang": (sglang, given.sglang, "sglang 0.5.23 JointThreshold, not first done first out"),
        "indel_sglang": (indel, given.sglang, "sglang 0.5.23 JointThresholdInDel, not first done first out"),
        "joint_threshold_dllm": (
            dllm,
            given.dllm,
            "ZHZisZZ/dllm@ca176752fbce LLaDA2MoeModelLM.generate (LLaDA2.1) and LLaDA21Sampler, greedy",
        ),
        "sdar_lmdeploy": (lmdeploy, given.lmdeploy, "InternLM/lmdeploy@1263d5cd889b UnmaskingProcessor, greedy"),
        "sdar_entropy_bounded": (jetengine, given.jetengine, "Labman42/JetEngine@11563d141ff7 LLMEngine.step, greedy"),
    }
    names = ("llada-a", "qwen3-a", "llada-b", "qwen2-a")
    networks = {name: [Network(MODELS / name)] + [moved(name, seed) for seed in (11, 12, 13)] for name in names}
    for kind, (make, folder, source) in programs.items():
        if folder and given.kind in (None, kind):
            record(kind, source, make(folder.resolve()), networks)


if __name__ == "__main__":
    main()
