"""The HTTP API, version 1: JSON in and out, the same numbers and words as the command line."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from edgeprofiler._version import __version__
from edgeprofiler.core.choices import PRECISIONS, RUNTIMES
from edgeprofiler.core.errors import EdgeProfilerError
from edgeprofiler.decision.compare import comparisons_document
from edgeprofiler.views.web.background import Background
from edgeprofiler.views.web.deciding import CheckRequest, ImpactRequest, SweepRequest
from edgeprofiler.views.web.errors import ErrorDocument, answer
from edgeprofiler.views.web.offered import boards, zoo_models
from edgeprofiler.views.web.receive import receive_body
from edgeprofiler.views.web.requests import (
    AdviseRequest,
    AnyDocument,
    CompareRequest,
    Detail,
    OptionsDocument,
    PredictRequest,
    ProfileDocument,
    RecordingsDocument,
    UploadDocument,
)
from edgeprofiler.views.web.service import Service

JSON = "application/json"
_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorDocument, "description": "Unknown name, or a file that cannot be read."},
    403: {"model": ErrorDocument, "description": "Sent by another site's page."},
    404: {"model": ErrorDocument, "description": "No such upload of this session."},
    413: {"model": ErrorDocument, "description": "Too large."},
    422: {"model": ErrorDocument, "description": "Wrong field, or not supported for this model."},
    429: {"model": ErrorDocument, "description": "Too much at once; try again."},
}


def build_api(service: Service, background: Background) -> APIRouter:
    """Return the routes of the API, without prefix."""
    api = APIRouter(responses=_ERRORS)

    @api.get("/options", summary="List everything that can be chosen.")
    async def options() -> OptionsDocument:
        return OptionsDocument.model_validate(
            {
                "version": __version__,
                "models": [*zoo_models()],
                "devices": [
                    {
                        "name": board.name,
                        "description": board.description,
                        "modes": [*board.modes],
                        "default_mode": board.default_mode,
                        "clocks": {
                            axis: [allowed.least, allowed.most]
                            for axis, allowed in board.clocks.items()
                        },
                    }
                    for board in boards()
                ],
                "runtimes": [*RUNTIMES],
                "precisions": [*PRECISIONS],
                "predictors": [*service.predictors],
                "max_upload_bytes": service.settings.max_upload_bytes,
            }
        )

    @api.post(
        "/predict",
        summary="Predict what every layer of a network costs on a device.",
        response_model=ProfileDocument,
    )
    async def predict(
        body: PredictRequest,
        detail: Annotated[Detail, Query(description="`totals` leaves the layers out.")] = "full",
    ) -> Response:
        question = body.question()
        data = service.ready_json(question, detail)
        if data is None:
            data = await background.run(service.profile_json, question, detail)
        return Response(data, media_type=JSON)

    @api.post("/compare", summary="Compare one answer with another.", response_model=AnyDocument)
    async def compare(body: CompareRequest) -> Response:
        first, second = body.a.question(), body.b.question()

        def document() -> dict[str, Any]:
            found = service.compare(first, second)
            return comparisons_document((found.a.network.name, found.b.network.name), [found])

        return JSONResponse(await background.run(document))

    @api.post(
        "/advise", summary="Rank changes by the energy they save.", response_model=AnyDocument
    )
    async def advise(body: AdviseRequest) -> Response:
        return JSONResponse(await background.run(service.advise, body.question(), body.advice()))

    @api.post(
        "/sweep",
        summary="Predict every combination; the Pareto front and the best of them.",
        response_model=AnyDocument,
    )
    async def sweep(body: SweepRequest) -> Response:
        return JSONResponse(await background.run(body.answer, service))

    @api.post("/check", summary="Hold a network to limits.", response_model=AnyDocument)
    async def check(body: CheckRequest) -> Response:
        return JSONResponse(await background.run(body.answer, service))

    @api.post(
        "/impact",
        summary="Say what a network's use costs: battery life, a fleet's energy, CO2e and price.",
        response_model=AnyDocument,
    )
    async def impact(body: ImpactRequest) -> Response:
        return JSONResponse(await background.run(body.answer, service))

    @api.post(
        "/models",
        summary="Send an ONNX file, an engine's layer JSON or a graph JSON; returns its name.",
        status_code=201,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
                },
            }
        },
    )
    async def send_model(
        request: Request,
        name: Annotated[str, Query(max_length=200, description="The file's name.")] = "model",
    ) -> UploadDocument:
        upload, note = await receive_body(request, service, background, name)
        return UploadDocument(model=upload.address, name=upload.label, bytes=upload.size, note=note)

    @api.delete("/models/{model}", summary="Forget a file that was sent.", status_code=204)
    async def forget_model(
        model: Annotated[str, Path(max_length=64, description="As `POST /models` returned it.")],
    ) -> Response:
        service.uploads.remove(model)
        return Response(status_code=204)

    @api.get("/recordings", summary="List the recordings that the server was started with.")
    async def recordings() -> RecordingsDocument:
        names = await background.run(service.recordings)
        return RecordingsDocument(recordings=[*names])

    @api.get(
        "/recordings/{name}/qa",
        summary="Say whether a recording is good enough to attribute power from.",
        response_model=AnyDocument,
        responses={404: {"model": ErrorDocument, "description": "No such recording."}},
    )
    async def quality(request: Request, name: Annotated[str, Path(max_length=200)]) -> Response:
        try:
            return JSONResponse(await background.run(service.quality, name))
        except EdgeProfilerError as error:
            if name not in await background.run(service.recordings):
                return answer(request, type(error).__name__, str(error), 404)
            raise

    return api
