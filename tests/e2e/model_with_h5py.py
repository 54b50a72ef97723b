#!/usr/bin/python3
"""A model is readable with h5py alone: recomputes predictions with numpy.

usage: model_with_h5py.py FACTORPS MODEL
Exit code 77 if h5py is not installed (Debian: python3-h5py).
"""
import datetime
import json
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy
except ImportError as error:
    print(f"skipped: {error} (Debian package python3-h5py)")
    sys.exit(77)


def external_ids(group):
    """Ids as text, one per row."""
    if "ids" in group:
        return [str(number) for number in group["ids"][:]]
    offsets, text = group["id_offsets"][:], group["id_bytes"][:].tobytes()
    return [text[a:b].decode() for a, b in zip(offsets, offsets[1:])]


def scores_by_layers(model):
    """What the layers make of every pair of rows, users x items."""
    layers, wide = model["layers"], lambda name: model[name][:].astype(float)
    users, items, products = wide("users/factors"), wide("items/factors"), layers.attrs["products"]
    pairs = [(u, v) for u in users for v in items]
    product = numpy.array([u[:products] * v[:products] for u, v in pairs])
    x = numpy.array([numpy.concatenate([u[products:], v[products:]]) for u, v in pairs])
    for n in range(1, len(layers["tower"])):
        x = numpy.maximum(0, x @ wide(f"layers/layer{n}.weights") + wide(f"layers/layer{n}.bias"))
    score = numpy.hstack([product, x]) @ wide("layers/output.weights") + wide("layers/output.bias")
    return score.reshape(len(users), len(items))


def user_rows(model):
    """Factors and biases of users in the moment of the latest training interaction, if it matters."""
    wide = lambda name: model[name][:].astype(float)
    factors, bias = wide("users/factors"), wide("users/bias")
    if "context" not in model.get("features", {}):
        return factors, bias
    context = model["features/context"]
    moment = datetime.datetime.fromtimestamp(int(context.attrs["latest_time"]), datetime.timezone.utc)
    place = {"weekday": moment.weekday(), "month": moment.month - 1, "hour": moment.hour}
    for kind in context:
        w, *v = wide(f"features/context/{kind}/rows")[place[kind]]
        factors, bias = factors + v, bias + w + factors @ v
    return factors, bias


def scores(model):
    """Predictions in original units, users x items."""
    wide = lambda name: model[name][:].astype(float)
    factors, user_bias = user_rows(model)
    bias = user_bias[:, None] + wide("items/bias")[None, :]
    if "layers" in model:
        score = scores_by_layers(model)
    else:
        score = model.attrs["mu"] + bias + factors @ wide("items/factors").T
    scale, offset = model["normalisation/scale"][:], model["normalisation/offset"][:]
    if model["normalisation"].attrs["by"] == b"user":
        scale, offset = scale[:, None], offset[:, None]
    return numpy.clip(score * scale + offset, model.attrs["value_min"], model.attrs["value_max"])


def predictions(factorps, path, pairs):
    """The same from the program, {(user, item): value}."""
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write("user,item\n" + "".join(f"{user},{item}\n" for user, item in pairs))
        file.flush()
        command = [factorps, "predict", path, file.name, "--json"]
        lines = subprocess.run(command, check=True, capture_output=True).stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    return {(row["user"], row["item"]): row["prediction"] for row in rows}


def main(factorps, path):
    with h5py.File(path, "r") as model:
        assert model.attrs["format"] == b"factorps-model"
        users, items, expected = external_ids(model["users"]), external_ids(model["items"]), scores(model)
    found = predictions(factorps, path, [(user, item) for user in users for item in items])
    for u, user in enumerate(users):
        for i, item in enumerate(items):
            # Both sum in double and round to float once or twice.
            limit = 2 * numpy.spacing(numpy.float32(abs(expected[u, i])))
            assert abs(found[user, item] - expected[u, i]) <= limit, (user, item)
    print(f"{len(found)} predictions agree")


if __name__ == "__main__":
    main(*sys.argv[1:])
