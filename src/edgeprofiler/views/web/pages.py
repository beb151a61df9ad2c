"""The pages. Each works without scripts; with them, results follow every change of a field."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.templating import Jinja2Templates

from edgeprofiler.core.device.tables import board_table, mode_table
from edgeprofiler.core.errors import EdgeProfilerError
from edgeprofiler.core.files import dump_json
from edgeprofiler.core.profile.document import to_json
from edgeprofiler.core.profile.table import to_csv
from edgeprofiler.core.text import one_line
from edgeprofiler.decision.advise import RISK
from edgeprofiler.decision.advise.tables import (
    SINGLES,
    STEPS,
    advice_sentence,
    advice_table,
    budget_words,
)
from edgeprofiler.decision.compare.tables import changes_table, comparison_table, sentence
from edgeprofiler.measurement.qa.tables import TONES, finding_table
from edgeprofiler.prediction.predict import board_of
from edgeprofiler.prediction.question import Question
from edgeprofiler.views.reports.differences import compared_plot
from edgeprofiler.views.reports.page import environment, report_page
from edgeprofiler.views.reports.view import view_of
from edgeprofiler.views.web.background import Background
from edgeprofiler.views.web.decisions import DECISIONS, Decision
from edgeprofiler.views.web.errors import status_of
from edgeprofiler.views.web.forms import AIMS, Fields, advice_of, fields_of, query_of, question_of
from edgeprofiler.views.web.receive import receive_form
from edgeprofiler.views.web.reference import operations, schemas
from edgeprofiler.views.web.security import PLOTS
from edgeprofiler.views.web.service import Service
from edgeprofiler.views.web.shown import recording_facts

UPLOAD = "/upload"
_LARGEST = 200
"""Layers in a table of what changed."""
_KINDS = {
    "report.html": "text/html; charset=utf-8",
    "profile.csv": "text/csv; charset=utf-8",
    "profile.json": "application/json",
}
_PAGE_OF = {"recording": "recordings", "measured": "recordings"}
"""Page of the navigation that a page below it belongs to."""
_PLOTS = {"content-security-policy": PLOTS}


def templates() -> Jinja2Templates:
    """Return the templates, those of reports among them."""
    return Jinja2Templates(env=environment("edgeprofiler.views.web"))


def build_pages(service: Service, background: Background) -> APIRouter:
    """Return the routes of all pages."""
    pages = APIRouter()

    async def page(
        request: Request,
        name: str,
        context: dict[str, Any],
        results: Callable[[], dict[str, Any]],
        here: str = "",
    ) -> Response:
        """Answer with a page and its results, or with the results alone if a script asks."""
        status = 200
        context = {**context, "page": name, "error": "", "here": here or _PAGE_OF.get(name, name)}
        try:
            context.update(await background.run(results))
        except EdgeProfilerError as error:
            context["error"] = one_line(str(error))
            status = status_of(error)
        alone = "x-results-only" in request.headers
        template = f"{name}_results.html" if alone else f"{name}.html"
        found: Response = request.app.state.templates.TemplateResponse(
            request, template, context, status_code=status, headers=_PLOTS
        )
        found.headers["vary"] = "x-results-only"
        return found

    @pages.get("/")
    async def predict(request: Request) -> Response:
        fields = fields_of(request.query_params, service)

        def results() -> dict[str, Any]:
            question = question_of(fields)
            board = board_of(question)
            return {
                "view": view_of(service.profile(question), board),
                "board": board_table(board),
                "mode": mode_table(board),
                "label": service.label(question),
                "query": urlencode(query_of(question)),
            }

        return await page(request, "predict", {"fields": fields, "view": None}, results)

    @pages.get("/compare")
    async def compare(request: Request) -> Response:
        query = request.query_params
        first = fields_of(query, service, "a_")
        second = fields_of(query, service, "b_", model="zoo:mobilenet_v2")

        def results() -> dict[str, Any]:
            a, b = question_of(first), question_of(second)
            found = service.compare(a, b)
            return {
                "found": found,
                "labels": (_words(a, service), _words(b, service)),
                "sentence": sentence(found),
                "totals": comparison_table(found),
                "plot": compared_plot((found.a, found.b)),
                "changes": changes_table(found, _LARGEST),
                "query": urlencode(query_of(a, "a_") | query_of(b, "b_")),
            }

        context = {"first": first, "second": second, "found": None}
        return await page(request, "compare", context, results)

    @pages.get("/advise")
    async def advise(request: Request) -> Response:
        query = request.query_params
        fields = fields_of(query, service)
        kinds = tuple(query.getlist("kinds"))
        asked = bool(query)

        def results() -> dict[str, Any]:
            if not asked:
                return {}
            question = question_of(fields)
            document = service.advise(question, advice_of(query, kinds))
            plan = document.get("plan")
            return {
                "document": document,
                "label": _words(question, service),
                "sentence": advice_sentence(document),
                "budget": budget_words(document),
                "singles": advice_table(SINGLES, document["single_changes"]),
                "steps": None if plan is None else advice_table(STEPS, plan["steps"]),
            }

        context = {
            "fields": fields, "kinds": RISK, "chosen": kinds, "document": None,
            "aims": AIMS, "texts": {name: query.get(name, "") for name, _ in AIMS},
            "query": urlencode(query.multi_items()),
        }  # fmt: skip
        return await page(request, "advise", context, results)

    for decision in DECISIONS:
        pages.get(f"/{decision.name}")(_deciding(decision, service, page))

    @pages.get("/recordings")
    async def recordings(request: Request) -> Response:
        def results() -> dict[str, Any]:
            given = service.settings.recordings is not None
            return {"verdicts": service.verdicts(), "tones": TONES, "given": given}

        return await page(request, "recordings", {}, results)

    @pages.get("/recordings/{name}")
    async def recording(request: Request, name: str) -> Response:
        def results() -> dict[str, Any]:
            document = service.quality(name)
            return {
                "document": document,
                "findings": finding_table(document),
                "tone": TONES[document["verdict"]],
                "facts": recording_facts(document),
            }

        context = {"name": one_line(name[:200]), "document": None}
        return await page(request, "recording", context, results)

    @pages.get("/recordings/{name}/profile")
    async def measured(request: Request, name: str) -> Response:
        def results() -> dict[str, Any]:
            return {"view": view_of(service.measured(name))}

        context = {"name": one_line(name[:200]), "view": None}
        return await page(request, "measured", context, results)

    @pages.post(UPLOAD)
    async def upload(request: Request) -> Response:
        taken, note = await receive_form(request, service, background)
        query = {"model": taken.address} | ({"batch": "1"} if note else {})
        return RedirectResponse(f"/?{urlencode(query)}", status_code=303)

    @pages.get("/download/mask.json")
    async def mask(request: Request) -> Response:
        query = request.query_params
        fields, kinds = fields_of(query, service), tuple(query.getlist("kinds"))

        def make() -> dict[str, Any]:
            return service.mask(question_of(fields), advice_of(query, kinds))

        text = dump_json(await background.run(make))
        headers = {"content-disposition": 'attachment; filename="mask.json"'}
        return Response(text, media_type="application/json", headers=headers)

    @pages.get("/download/{kind}")
    async def download(request: Request, kind: str) -> Response:
        if kind not in _KINDS:
            return Response("no such download", status_code=404, media_type="text/plain")
        query = request.query_params
        fields: tuple[Fields, ...] = (fields_of(query, service),)
        if "a_model" in query:
            fields = (fields_of(query, service, "a_"), fields_of(query, service, "b_"))

        def make() -> tuple[str, str]:
            questions = [question_of(f) for f in fields]
            profiles = [service.profile(question) for question in questions]
            name = re.sub(r"[^A-Za-z0-9_-]+", "-", profiles[0].network.name).strip("-")[:60]
            if kind == "profile.csv":
                return name, to_csv(profiles[0])
            if kind == "profile.json":
                return name, to_json(profiles[0])
            return name, report_page(profiles, [board_of(question) for question in questions])

        name, text = await background.run(make)
        ending = kind.rpartition(".")[2]
        headers = {"content-disposition": f'attachment; filename="{name or "network"}.{ending}"'}
        return Response(text.encode("utf-8", "replace"), media_type=_KINDS[kind], headers=headers)

    @pages.get("/api/docs")
    async def reference(request: Request) -> Response:
        document = request.app.openapi()
        context = {
            "here": "reference", "info": document["info"],
            "operations": operations(document), "schemas": schemas(document),
        }  # fmt: skip
        found: Response = request.app.state.templates.TemplateResponse(
            request, "reference.html", context
        )
        return found

    return pages


def _deciding(
    decision: Decision, service: Service, page: Callable[..., Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with a page that helps decide."""

    async def decide(request: Request) -> Response:
        query = request.query_params
        fields = fields_of(query, service)
        texts = {own.name: query.get(own.name, "") for own in decision.own}

        def results() -> dict[str, Any]:
            question = question_of(fields)
            judged = decision.judge(service, question, texts)
            return {"judged": judged, "label": _words(question, service)}

        context = {"fields": fields, "decision": decision, "texts": texts, "judged": None}
        return await page(request, "decision", context, results, decision.name)

    return decide


def _words(question: Question, service: Service) -> str:
    parts = [service.label(question), f"on {question.device}"]
    if question.precision is not None:
        parts.append(question.precision)
    if question.batch is not None:
        parts.append(f"batch {question.batch}")
    if question.resolution is not None:
        parts.append(f"{question.resolution} px")
    if question.predictor is not None:
        parts.append(f"by {question.predictor}")
    return ", ".join(parts)
