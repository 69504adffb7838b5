import numpy as np
import pytest
from PIL import Image

from hetero_unc.data.image_folder import ImageFolder, NamedImages, find_images


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "images" / "b").mkdir(parents=True)
    for name in ("one.png", "two.png", "b/three.png"):
        pixels = rng.integers(0, 256, (8, 6, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / name)
    return tmp_path / "images"


def test_files_are_found_by_path_with_or_without_suffix(folder):
    files = find_images(folder, ["two.png", "b/three", "one"])
    assert [path.relative_to(folder).as_posix() for path in files] == [
        "two.png", "b/three.png", "one.png"
    ]  # fmt: skip


def test_rows_are_the_pixels_in_0_to_1_in_any_order(folder):
    files = find_images(folder, ["one", "two", "b/three"])
    images = ImageFolder(files, size=(8, 6))
    assert images.shape == (3, 8, 6, 3)
    expected = np.stack([np.asarray(Image.open(path)) for path in files]) / 255
    np.testing.assert_allclose(images[:], expected, atol=1e-6)
    np.testing.assert_allclose(images[np.array([2, 0])], expected[[2, 0]], atol=1e-6)
    np.testing.assert_allclose(images[1], expected[1], atol=1e-6)
    np.testing.assert_allclose(images.take([2])[:], expected[2:], atol=1e-6)
    assert images[:].dtype == np.float32


def test_grey_and_another_size(folder):
    images = ImageFolder(find_images(folder, ["one"]), size=(4, 3), channels=1)
    assert images[:].shape == (1, 4, 3, 1)
    grey = np.asarray(Image.open(folder / "one.png").convert("L")) / 255
    assert images[0].mean() == pytest.approx(grey.mean(), abs=0.02)


def test_an_image_is_turned_as_its_camera_says(tmp_path):
    pixels = np.zeros((4, 6), np.uint8)
    pixels[0] = 255
    exif = Image.Exif()
    exif[274] = 6  # turn by 90 degrees to the right
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    images = ImageFolder(find_images(tmp_path, ["turned"]), size=(6, 4), channels=1)
    np.testing.assert_allclose(images[0][:, -1], 1)
    np.testing.assert_allclose(images[0][:, :-1], 0)


def test_equal_files_have_equal_digests(folder):
    (folder / "copy.png").write_bytes((folder / "one.png").read_bytes())
    digests = ImageFolder(find_images(folder, ["one", "two", "copy"]), size=(2, 2)).digests()
    assert digests[0] == digests[2] != digests[1]


def test_no_path_leaves_the_folder(folder):
    outside = folder.parent / "secret.png"
    Image.new("L", (2, 2)).save(outside)
    (folder / "link.png").symlink_to(outside)
    for name in ("../secret.png", str(outside), "link.png"):
        with pytest.raises(ValueError, match="outside the folder"):
            find_images(folder, [name])


def test_missing_and_ambiguous_files_are_listed_and_counted(folder):
    (folder / "one.jpg").write_bytes((folder / "one.png").read_bytes())
    names = ["one", *(f"none{number}" for number in range(25))]
    with pytest.raises(ValueError, match="26 of 26 without") as error:
        find_images(folder, names)
    assert "2 files, one.png, one.jpg" in str(error.value)
    assert "'none18': no such file; ..." in str(error.value)
    assert find_images(folder, ["one.jpg"])[0].name == "one.jpg"


def test_a_file_that_is_no_image_is_named_before_any_is_read(folder):
    (folder / "text.png").write_text("<script>alert(1)</script>")
    with pytest.raises(ValueError, match=r"1 of 2 are not: text\.png: not an image"):
        ImageFolder(find_images(folder, ["one", "text"]), size=(4, 4))


def test_a_truncated_image_is_named_when_it_is_read(folder):
    whole = (folder / "two.png").read_bytes()
    (folder / "two.png").write_bytes(whole[: len(whole) // 2])
    images = ImageFolder(find_images(folder, ["one", "two"]), size=(4, 4))
    with pytest.raises(ValueError, match=r"two\.png must be a whole image"):
        images[:]


def test_damaged_images_are_listed_and_counted_beforehand(folder):
    whole = ImageFolder(find_images(folder, ["one", "two", "b/three"]), size=(8, 6))
    whole.check_whole()
    for name in ("one.png", "b/three.png"):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])
    message = "2 of 3 are not: one.png: image file is truncated.*; three.png: image file is trunc"
    with pytest.raises(ValueError, match=message):
        whole.check_whole()


def test_a_picture_that_would_fill_the_memory_is_refused(folder):
    Image.new("1", (9000, 9000)).save(folder / "large.png")
    with pytest.raises(ValueError, match="9000 x 9000 pixels, more than 64,000,000"):
        ImageFolder(find_images(folder, ["large"]), size=(4, 4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": (4,)}, r"`size` must be \(H, W\)"),
        ({"size": (0, 4)}, "each side of `size`"),
        ({"size": (4, 4), "channels": 2}, "`channels` must be"),
    ],
)
def test_bad_arguments_are_named(folder, options, message):
    with pytest.raises(ValueError, match=message):
        ImageFolder(find_images(folder, ["one"]), **options)


def test_no_files_and_no_folder(folder):
    with pytest.raises(ValueError, match="`files` must not be empty"):
        ImageFolder([], size=(4, 4))
    with pytest.raises(NotADirectoryError, match="must be a folder of images"):
        find_images(folder / "none", ["one"])


def test_named_images_are_small_and_skip_what_is_not_there(folder):
    Image.new("RGB", (200, 50), (255, 0, 0)).save(folder / "wide.png")
    (folder / "text.png").write_text("no image")
    images = NamedImages(folder, ["one", "wide", "text", "none", "../images/two.png", 7])
    assert set(images) == {"one", "wide", "../images/two.png"}
    assert images["wide"].shape == (24, 96, 3)
    np.testing.assert_allclose(images["wide"][0, 0], [1, 0, 0])
    expected = np.asarray(Image.open(folder / "one.png")) / 255
    np.testing.assert_allclose(images["one"], expected, atol=1e-6)
    with pytest.raises(NotADirectoryError):
        NamedImages(folder / "none", [])
