"""Further questions about an explained region: whether one can be asked, and how it is."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QObject

from ...reasoning.follow_up import FollowUp, follow_up, same_model
from ...reasoning.freeze import freeze_again
from ...reasoning.request import ExplainRequest, Explanation, ModelInfo
from ...volume.ct import CtVolume
from ..session import Session
from .answer import Answer
from .explain import Explainer
from .wording import shortened

NO_MODEL: Final = "There is no model to ask."
NOT_READY: Final = "You can ask further once the model is ready."
ONE_QUESTION: Final = "This model answers one question about a region."
NOT_HERE: Final = "Go back to its image to ask further."


class Asker(QObject):
    """Asks the model in use about the answer of the pixels shown, and about no other."""

    def __init__(self, session: Session, explainer: Explainer) -> None:
        super().__init__(explainer)
        self._session, self._explainer = session, explainer

    @property
    def answers_once(self) -> bool:
        """Whether the model in use is known to answer one question about a region."""
        told = self._explainer.told
        return told is not None and not told.follow_ups

    def why_not(self, answer: Answer, *, here: bool) -> str:
        """Why this answer cannot be asked about now, a sentence; empty where it can.

        Parameters
        ----------
        here : bool
            Whether it is about the very pixels in view.
        """
        told, explained = self._explainer.told, answer.explanation
        if not self._explainer.has_model:
            return NO_MODEL
        if told is None:
            return NOT_READY
        if not told.follow_ups:
            return ONE_QUESTION
        if explained is None or not here:
            return NOT_HERE
        known = told.model is not None and same_model(told.model, explained.model)
        return "" if known else _other_model(explained.model)

    def ask(self, question: str) -> None:
        """Stop whatever runs, and ask about the answer of the pixels in view, where that can be."""
        answer, volume = self._session.answer, self._session.volume
        if answer is None or answer.explanation is None or volume is None or not question.strip():
            return
        if self._session.folds(answer) or self.why_not(answer, here=True):
            return
        self._explainer.stop()
        freeze = partial(
            _frozen, volume, self._session.slice_index, answer.request, answer.explanation, question
        )
        self._explainer.run_before_asking(freeze, partial(self._explainer.ask, series=volume.series))

    def stop(self) -> None:
        """Stop the question under way."""
        self._explainer.stop()


def _frozen(
    volume: CtVolume, slice_index: int, request: ExplainRequest, explained: Explanation, question: str
) -> FollowUp:
    return follow_up(freeze_again(volume, slice_index, request), explained, question)


def _other_model(model: ModelInfo) -> str:
    return f"{shortened(model.name, 40)} explained this region: explain it again to ask the model in use."
