"""
A request of any other dialect, written for one model behind Converse.

Converse checks hard and answers 400: roles must alternate and begin with the user, no text may be blank, a document needs text beside it
and a name of few characters, tool blocks need `toolConfig`, numbers have ranges, and each family of models refuses some members.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from excise.wire.dialect import Encoded, Sent, Target
from excise.wire.dialects.bedrock_converse.blocks import NAME
from excise.wire.dialects.bedrock_converse.conversation import Block, Writer
from excise.wire.dialects.bedrock_converse.models import Takes, takes_of
from excise.wire.dialects.bedrock_converse.request import WHERE_STOP_STANDS
from excise.wire.dialects.bedrock_converse.thinking import Thought, think
from excise.wire.dialects.bedrock_converse.tool_config import ToolPlan, offer_output, plan_tools, write_tools
from excise.wire.dialects.foreign import most_tokens, output_instruction
from excise.wire.json_schema import for_anthropic_output
from excise.wire.json_text import json_text
from excise.wire.loss import Losses
from excise.wire.neutral import Json, Reasoning, Request, Turn
from excise.wire.repair import Arranged, Shape, arrange
from excise.wire.stop_sequences import EMULATED
from excise.wire.tool_ids import WORD

# Source: the service model of botocore 1.43, `RequestMetadata`; read 2026-11.
_METADATA_KEY = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}")
_METADATA_VALUE = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}")
_METADATA_ENTRIES = 16

_TIERS = {"default": "default", "standard": "default", "standard_only": "default", "flex": "flex", "priority": "priority"}
_TIERS["reserved"] = "reserved"


def encode_foreign(request: Request, target: Target) -> Encoded:
    """
    The request for `target`, and what is lost on the way.
    """
    writing = _Writing(request, target, takes_of(target.model), Losses(), Sent(target))
    return Encoded(writing.whole(), writing.losses.all(), writing.sent)


def settings(request: Request, target: Target, losses: Losses) -> Block:
    """
    Everything of the request but its conversation.
    """
    writing = _Writing(request, target, takes_of(target.model), losses, Sent(target))
    writing.settings(request.turns)
    return writing.body


@dataclass(slots=True)
class _Writing:
    """
    One request on its way to one model.

    Attributes:
        fields: `additionalModelRequestFields`.
        instructions: System text that imitates what the model cannot be told otherwise.
    """

    request: Request
    target: Target
    takes: Takes
    losses: Losses
    sent: Sent
    body: Block = field(default_factory=dict)
    fields: Block = field(default_factory=dict)
    output: Block = field(default_factory=dict)
    instructions: list[str] = field(default_factory=list)

    def whole(self) -> Block:
        arranged = self._arranged()
        plan = self.settings(arranged.turns)
        self._conversation(arranged, plan)
        self._left_out()
        return self.body

    def settings(self, turns: tuple[Turn, ...]) -> ToolPlan:
        """
        Tools, format, thinking and sampling decide on each other, in this order.
        """
        request, traits = self.request, self.target.traits
        plan = plan_tools(request, self.takes, traits, self.sent, self.losses)
        self._format(plan)
        limit = most_tokens(request, traits, self.losses)
        if plan.forced and traits.always_thinks and self.takes.claude:
            self.losses.changed("tool_choice", "this model thinks always, and cannot be forced to call a tool while it does")
            plan.mode = "auto"
        thought = think(request, turns, self.takes, traits, self.losses, forced=plan.forced, max_tokens=limit)
        self.fields |= thought.fields
        if thought.effort is not None:
            self.output["effort"] = thought.effort
        self._sampling(limit, thought)
        config = write_tools(plan, self.takes, self.losses, self.fields, own=request.dialect == NAME)
        self._service()
        for name, value in (("toolConfig", config), ("outputConfig", self.output), ("additionalModelRequestFields", self.fields)):
            if value:
                self.body[name] = value
        return plan

    # -- the conversation --------------------------------------------------------------------------------------------------------------

    def _arranged(self) -> Arranged:
        request, takes = self.request, self.takes
        if request.tool_choice is not None and request.tool_choice.mode == "none":
            request = replace(request, tools=())
        shape = Shape(
            system="top",
            merge=True,
            starts_with_user=True,
            ids=WORD,
            results_first=True,
            empty_text=False,
            tools_need_declaration=True,
            result_media="inline" if takes.result_media else "hoist" if takes.mixes else "drop",
        )
        return arrange(request, shape, self.losses, keeps=self._keeps)

    def _keeps(self, thought: Reasoning) -> bool:
        # A proof of another family of models behind the same provider cannot be told from its own; those that give none take none.
        return thought.origin == self.target.origin and self.takes.replays and bool(thought.signature)

    def _conversation(self, arranged: Arranged, plan: ToolPlan) -> None:
        writer = Writer(self.takes, self.target.traits, self.losses, plan.names)
        system = writer.system(arranged.system)
        system += [{"text": text} for text in self.instructions]
        messages = [writer.message(turn) for turn in arranged.turns]
        if system and not self.takes.system:
            self.losses.changed("system.position", "this model takes no system text; it stands in the first message")
            said = [block for block in system if "text" in block]
            messages[0]["content"] = [*said, *messages[0]["content"]]
        elif system:
            self.body["system"] = system
        self.body["messages"] = messages
        if messages and messages[-1]["role"] == "assistant" and self.target.traits.prefill is False:
            self.losses.impossible("prefill", "the target's model does not continue an answer that was begun for it")

    # -- settings ----------------------------------------------------------------------------------------------------------------------

    def _format(self, plan: ToolPlan) -> None:
        output, traits = self.request.output, self.target.traits
        if output is None:
            return
        native = traits.json_schema if traits.json_schema is not None else self.takes.schema is not False
        if output.schema is None:
            self.losses.emulated("output.json_object", "bedrock has no JSON mode without a schema; an instruction asks for it")
            self.instructions.append(output_instruction(output))
        elif native:
            definition: Block = {"schema": json_text(for_anthropic_output(output.schema, self.losses))}
            if output.name:
                definition["name"] = output.name
            if output.description:
                definition["description"] = output.description
            self.output["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": definition}}
        elif plan.mode == "tool":
            self.losses.dropped("output.schema", "the answer is a call of a certain tool, which leaves no text to have a form")
        elif offer_output(plan, output, self.takes, traits, self.sent):
            self.losses.emulated("output.schema", "this model takes no schema for its output; it answers by calling a tool that has it")
        else:
            self.losses.emulated("output.schema", "this model takes no schema for its output; an instruction asks for it")
            self.instructions.append(output_instruction(output))

    def _sampling(self, limit: int | None, thought: Thought) -> None:
        sampling, losses = self.request.sampling, self.losses
        config: Block = {}
        if limit is not None:
            config["maxTokens"] = max(limit, 1)
            if limit < 1:
                losses.clamped("max_tokens", "at least one token")
        temperature, top_p, top_k = sampling.temperature, sampling.top_p, sampling.top_k
        refused = self._refused(thought)
        if refused is not None:
            for name, value in (("temperature", temperature), ("top_p", top_p), ("top_k", top_k)):
                if value is not None and not (name == "temperature" and value == 1 and self.takes.claude):
                    losses.dropped(name, refused)
            temperature = top_p = top_k = None
        if temperature is not None and top_p is not None and self.takes.samples == "or":
            losses.dropped("top_p", "this model takes either a temperature or top_p, not both")
            top_p = None
        for name, wanted, value in (("temperature", "temperature", temperature), ("top_p", "topP", top_p)):
            if value is not None:
                config[wanted] = min(max(value, 0), 1)
                if config[wanted] != value:
                    losses.clamped(name, "bedrock takes 0 to 1")
        if top_k is not None:
            self._top_k(top_k)
        stops = self._stops()
        if stops:
            config["stopSequences"] = stops
            if self.takes.claude:
                self.body["additionalModelResponseFieldPaths"] = [WHERE_STOP_STANDS[self.request.stream]]
        if config:
            self.body["inferenceConfig"] = config

    def _refused(self, thought: Thought) -> str | None:
        """
        Why the model takes no settings of sampling; `None` where it does.
        """
        if self.target.traits.sampling is False or (self.target.traits.sampling is None and self.takes.samples == "none"):
            return "the target's model refuses settings of sampling"
        if thought.plain or (thought.on and self.takes.claude):
            return "the target's model refuses settings of sampling while it thinks"
        return None

    def _top_k(self, top_k: int) -> None:
        if not self.takes.top_k:
            self.losses.dropped("top_k", "this model takes no top_k")
            return
        inner: Json = min(max(top_k, 1), self.takes.most_top_k)
        if inner != top_k:
            self.losses.clamped("top_k", "this model takes a smaller range")
        for name in reversed(self.takes.top_k):
            inner = {name: inner}
        self.fields |= inner

    def _stops(self) -> list[str]:
        stops = [stop for stop in self.request.stop if stop]
        if self.takes.claude and not all(stop.strip() for stop in stops):
            self.losses.emulated("stop", EMULATED)
            stops = [stop for stop in stops if stop.strip()]
        most = self.takes.stops
        if most == 0 and stops:
            self.losses.emulated("stop", EMULATED)
            return []
        if most is not None and len(stops) > most:
            self.losses.clamped("stop", "this model takes fewer stop sequences; the first ones count")
            return stops[:most]
        return stops

    def _service(self) -> None:
        request, losses = self.request, self.losses
        tier = _TIERS.get(request.service_tier or "")
        if tier is not None:
            self.body["serviceTier"] = {"type": tier}
        elif request.service_tier not in (None, "auto"):
            losses.dropped("service_tier", "bedrock has no such tier of service")
        if request.metadata:
            kept = {
                name: value
                for name, value in request.metadata.items()
                if type(value) is str and _METADATA_KEY.fullmatch(name) and _METADATA_VALUE.fullmatch(value)
            }
            if len(kept) < len(request.metadata) or len(kept) > _METADATA_ENTRIES:
                losses.dropped("metadata", "bedrock's metadata are 16 texts of few characters; the others are left out")
            if kept:
                self.body["requestMetadata"] = dict(list(kept.items())[:_METADATA_ENTRIES])

    def _left_out(self) -> None:
        """
        Note what Converse has no words for.
        """
        request, losses, sampling = self.request, self.losses, self.request.sampling
        if request.candidates is not None and request.candidates > 1:
            losses.impossible("candidates", "the target gives one answer a request; ask several times instead")
        if request.logprobs is not None:
            losses.impossible("logprobs", "bedrock gives no log probabilities")
        for name in ("min_p", "seed", "frequency_penalty", "presence_penalty", "logit_bias"):
            if getattr(sampling, name) is not None:
                losses.dropped(name, "bedrock has no such setting")
        for name in ("user", "cache_key", "verbosity"):
            if getattr(request, name) is not None:
                losses.dropped(name, "bedrock has no such field")
        for extra in request.extras:
            if extra.vital:
                losses.impossible(extra.field, extra.why)
            else:
                losses.dropped(extra.field, extra.why)
