"""A photo in a form, and a photo in an answer: the same wherever photos are taken and shown."""

from typing import Annotated, Any, Final

from fastapi import Depends, File, Request, Response, UploadFile

from chassis.images import MEDIA_TYPE, NotAPhoto, Photo, TooManyPixels, reencoded
from chassis.known import unless_known
from chassis.problems import FieldError, InvalidInput, Problem, Text
from chassis.sealed import SEALED

FIELD: Final = "photo"
AS_JPEG: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}}
"""For a route's `responses`."""
NOSNIFF: Final = {"X-Content-Type-Options": "nosniff"}
PUBLIC: Final = {"Cache-Control": "public, max-age=300"}
"""A photo never changes, but may be taken away: after five minutes a cache asks whether it is still shown."""
NO_PHOTO: Final = Text("不是可读的 JPEG、PNG 或 WebP 图片。", "It is no JPEG, PNG or WebP that can be read.")
TOO_MANY_PIXELS: Final = Text(
    "图片的像素过多：相机的 JPEG 至多五千万，PNG、WebP 和渐进式 JPEG 至多一千三百万。请缩小后再传。",
    "It has too many pixels: a camera's JPEG has fifty million at most, PNG, WebP and progressive JPEG thirteen "
    "million. Make it smaller.",
)
ONE_PHOTO: Final = Text("一次请求一张照片。", "One photo a request.")


class TooManyPhotos(Problem):
    slug, status = "too-many-photos", 409
    title = Text("照片已满", "There are enough photos")
    detail = Text("至多 {most} 张照片。", "There may be {most} photos at most.")


async def _clean(
    request: Request, photo: Annotated[UploadFile, File(description="JPEG, PNG or WebP, at most 8 MiB")]
) -> Photo:
    """Before the request's transaction: it takes a while."""
    if len((await request.form()).getlist(FIELD)) > 1:
        raise InvalidInput(errors=[FieldError(f"#/{FIELD}", ONE_PHOTO)])
    try:
        return await reencoded(await photo.read())
    except NotAPhoto as error:
        why = TOO_MANY_PIXELS if isinstance(error, TooManyPixels) else NO_PHOTO
        raise InvalidInput(errors=[FieldError(f"#/{FIELD}", why)]) from error


CleanPhoto = Annotated[Photo, Depends(_clean)]
"""The form's `photo`, written anew. Stands behind the caller and before the session in a route's parameters."""


def private_jpeg(content: bytes) -> Response:
    """For the account that asked, and nobody else's cache."""
    return Response(content, media_type=MEDIA_TYPE, headers=SEALED | NOSNIFF)


def public_jpeg(request: Request, content: bytes, tag: str) -> Response:
    """For everyone; 304 to who has it (RFC 9110, 13.1.2)."""
    headers = PUBLIC | NOSNIFF | {"ETag": f'"{tag}"'}
    answer = Response(content, media_type=MEDIA_TYPE, headers=headers)
    return unless_known(request.headers.get("if-none-match"), answer)
