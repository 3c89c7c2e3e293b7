"""The cast."""

import pytest

pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed: pip install 'contextalk[synth]'")


@pytest.mark.usefixtures("skia_drawing")
class TestPeople:
    """A seed names a person."""

    def test_a_seed_names_one_person_for_ever(self) -> None:
        from contextalk.synth import person

        assert person(5) == person(5)
        assert person(5) != person(6)

    def test_training_never_meets_held_out_people(self) -> None:
        from contextalk.synth import HELD_OUT_PEOPLE, TRAIN_PEOPLE

        assert len(TRAIN_PEOPLE) >= 500
        assert not set(TRAIN_PEOPLE) & set(HELD_OUT_PEOPLE)
        assert min(HELD_OUT_PEOPLE) >= 10_000

    def test_the_cast_is_varied(self) -> None:
        from contextalk.synth import TRAIN_PEOPLE, person
        from contextalk.synth.people import HAIR_FAMILIES

        cast = [person(seed) for seed in TRAIN_PEOPLE]

        assert {p.hair.family for p in cast} == set(HAIR_FAMILIES)
        assert len({p.face for p in cast}) == len(cast)
        for share in (p.looks.glasses > 0 for p in cast), (p.looks.beard > 0 for p in cast):
            # Both are drawn with chances between 0.15 and 0.3: 600 draws stay far inside these bounds.
            assert 0.08 < sum(share) / len(cast) < 0.45
