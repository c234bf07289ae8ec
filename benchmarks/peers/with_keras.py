"""Keras 3 on TensorFlow, its default backend, as its documentation writes it.

- mnist: the code example "Simple MNIST convnet": Adam, batches of 128, pixels in 0-1; none held out for
  validation.
- cifar10: the recipe of Keras's CIFAR-10 ResNet example (Adam at 1e-3, shifts by 0.1, flips), as
  preprocessing layers, which is how Keras 3 writes it; images read by image_dataset_from_directory and
  cached; batches of 64.
- photos: the guide "Transfer learning & fine-tuning", with EfficientNetB0, whose weights it downloads.
- vgg16: keras.applications.VGG16 without weights; `predict_on_batch`, and a gradient in a compiled
  tf.function.
"""

import contextlib
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from protocol import StepTimes, Task, TimeToGoal, answer, judge, median_seconds


class StopWhen(keras.callbacks.Callback):
    def __init__(self, after_step: Callable[[], bool]) -> None:
        super().__init__()
        self.after_step = after_step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.after_step():
            raise EnoughError


class EnoughError(Exception):
    """Keras looks at `stop_training` after an epoch only."""


def fit(model: Any, *data: Any, after_step: Callable[[], bool], **options: Any) -> None:
    with contextlib.suppress(EnoughError):
        model.fit(*data, verbose=0, callbacks=[StopWhen(after_step)], **options)


def mnist(task: Task) -> dict[str, Any]:
    set_up(task)
    images, labels, test_images, test_labels = mnist_arrays(task)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(36, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])

    def accuracy() -> float:
        found = [model.predict_on_batch(test_images[i : i + 1000]).argmax(1) for i in range(0, 10_000, 1000)]
        return float((np.concatenate(found) == test_labels).mean())

    clock = TimeToGoal(task, accuracy)
    fit(model, images, labels, after_step=clock.after_step, batch_size=128, epochs=1000)
    return clock.figures()


def vgg12_step(task: Task) -> dict[str, Any]:
    set_up(task)
    images, labels, _, _ = mnist_arrays(task)
    images = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    model = keras.Sequential([keras.Input((32, 32, 1))])
    for block in ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512)):
        for width in block:
            model.add(layers.Conv2D(width, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(4096, activation="relu"))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.Adam(1e-3))
    clock = StepTimes(task)
    fit(model, images, labels, after_step=clock.after_step, batch_size=100, epochs=1000)
    return clock.figures()


def cifar10(task: Task) -> dict[str, Any]:
    set_up(task)
    train, test = (
        keras.utils.image_dataset_from_directory(
            task.data / "cifar10" / split, image_size=(32, 32), batch_size=None, verbose=False
        ).cache()
        for split in ("train", "test")
    )
    vary = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomTranslation(0.1, 0.1)])
    batches = train.shuffle(50_000, seed=task.seed).batch(64)
    batches = batches.map(lambda images, labels: (vary(images, training=True), labels), tf.data.AUTOTUNE)
    model = small_resnet()
    model.compile(
        loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.Adam(1e-3), metrics=["accuracy"]
    )
    fit(model, batches.prefetch(tf.data.AUTOTUNE), after_step=lambda: task.quick, epochs=task.epochs)
    return {"accuracy": model.evaluate(test.batch(500), verbose=0)[1]}


def small_resnet() -> Any:
    images = keras.Input((32, 32, 3))
    features = layers.Rescaling(1 / 255)(images)
    features = layers.ReLU()(normalised_convolution(features, 32))
    for width in (48, 96, 192):
        change = layers.ReLU()(normalised_convolution(features, width, strides=2))
        change = normalised_convolution(change, width)
        shortcut = normalised_convolution(features, width, size=1, strides=2)
        features = layers.ReLU()(layers.Add()([change, shortcut]))
    pooled = layers.GlobalAveragePooling2D()(features)
    return keras.Model(images, layers.Dense(10, activation="softmax")(pooled))


def normalised_convolution(features: Any, width: int, size: int = 3, strides: int = 1) -> Any:
    features = layers.Conv2D(width, size, strides=strides, padding="same", use_bias=False)(features)
    return layers.BatchNormalization()(features)


def vgg16(task: Task) -> dict[str, Any]:
    set_up(task)
    model = keras.applications.VGG16(weights=None, classifier_activation=None)
    images = tf.random.normal((8, 224, 224, 3), stddev=0.1)

    @tf.function
    def gradients() -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(model(images, training=False))) / 2
        return tape.gradient(loss, model.trainable_variables)

    forward = median_seconds(lambda: model.predict_on_batch(images), task)
    both = median_seconds(lambda: gradients()[0].numpy(), task, times=6)
    return {"forward_ms": 1000 * forward / 8, "forward_backward_ms": 1000 * both / 8}


def photos(task: Task) -> dict[str, Any]:
    set_up(task)
    probabilities: list[Any] = []
    labels: list[int] = []
    for fold in sorted((task.data / "photos").glob("fold-*")):
        train, test = (
            keras.utils.image_dataset_from_directory(
                fold / split, image_size=(224, 224), shuffle=split == "train", verbose=False
            )
            for split in ("train", "test")
        )
        base = keras.applications.EfficientNetB0(weights="imagenet", include_top=False, pooling="avg")
        base.trainable = False
        images = keras.Input((224, 224, 3))
        features = layers.RandomRotation(0.1)(layers.RandomFlip("horizontal")(images))
        features = layers.Dropout(0.2)(base(features, training=False))
        model = keras.Model(images, layers.Dense(2, activation="softmax")(features))
        loss = "sparse_categorical_crossentropy"
        model.compile(loss=loss, optimizer=keras.optimizers.Adam())
        model.fit(train, epochs=2, verbose=0)
        base.trainable = True
        model.compile(loss=loss, optimizer=keras.optimizers.Adam(1e-5))
        model.fit(train, epochs=1, verbose=0)
        for some, truth in test:
            probabilities += model.predict_on_batch(some).tolist()
            labels += truth.numpy().tolist()
    return judge(probabilities, labels)


def set_up(task: Task) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(task.threads)
    keras.utils.set_random_seed(task.seed)


def mnist_arrays(task: Task) -> tuple[Any, ...]:
    with np.load(task.data / "mnist.npz") as arrays:
        images, test_images = (
            arrays[name].astype("float32")[..., None] / 255 for name in ("x_train", "x_test")
        )
        return images, arrays["y_train"], test_images, arrays["y_test"]


if __name__ == "__main__":
    answer({"mnist": mnist, "vgg12-step": vgg12_step, "cifar10": cifar10, "vgg16": vgg16, "photos": photos})
