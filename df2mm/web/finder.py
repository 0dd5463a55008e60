"""What answers a page: one model and one gallery, whatever the page looks like."""

from threading import Lock

from df2mm.apis.image_reading import UnreadableImageError
from df2mm.web.photo import Photo

# Of two items whose boxes overlap more, one is shown: one garment, one box.
_NMS_THR = 0.6


class Finder:
    """Finds garments in photos, and their matches in a gallery.

    Args:
        inferencer (DeepFashion2Inferencer): Its model needs a match head.
        gallery (GalleryIndex): Made by the same model.
        name (str): Of the gallery, for people.

    Raises:
        ValueError: If the gallery was made by another model, or is empty.
    """

    def __init__(self, inferencer, gallery, name: str) -> None:
        if gallery.model != inferencer.model_id:
            raise ValueError(
                f'the gallery must be of the model that is loaded, '
                f'{inferencer.model_id!r}, got {gallery.model!r} in gallery {name}. '
                'Build a gallery with this model and checkpoint, or load those that '
                'it was built with')
        if not len(gallery):
            raise ValueError(f'gallery {name} has no garments. Add some to it first')
        self.name = name
        self._inferencer, self._gallery = inferencer, gallery
        # Visitors take turns: the network uses all cores, a photo much memory.
        self._network, self._index = Lock(), Lock()

    def __len__(self):
        return len(self._gallery)

    def find(self, image) -> Photo:
        """The garments of a photo, of any score that the model's config leaves.

        Args:
            image (np.ndarray): (H, W, 3) uint8 RGB.

        Raises:
            UnreadableImageError: If the network cannot take it.
        """
        skipped = []
        with self._network:
            found = list(self._inferencer.iterate(
                [image], source='user', nms_thr=_NMS_THR, channel_order='rgb',
                on_skip=skipped.append))
        if skipped:
            raise UnreadableImageError(skipped[0]['reason'])
        return Photo.of(found[0])

    def matches(self, photo: Photo, item: int, count: int, *,
                same_category: bool = False, one_per_image: bool = False) -> list:
        """The best matches of a garment.

        Args:
            photo (Photo): Of ``find``.
            item (int): Which of its garments.
            count (int): How many at most.
            same_category (bool): Only of the garment's category.
            one_per_image (bool): Only the best of each picture.

        Returns:
            list[Match]: Best first.
        """
        categories = [int(photo.labels[item])] if same_category else None
        with self._index:
            return self._gallery.search(
                photo.query_vectors[item], count, model=self._inferencer.model_id,
                categories=categories, unique='image' if one_per_image else None)[0]
