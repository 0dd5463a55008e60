"""A small pinhole camera that paints textured rectangles into a picture."""

import cv2
import numpy as np

__all__ = ['Stage']

_NEAR = 0.08
# Texel and pixel indices name centres: corners are half a step off.
_TO_CORNER = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
_TO_CENTER = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])


class Stage:
    """A picture, and the camera it is seen through.

    The world is in metres: x to the right, y up, z ahead; the camera stands
    at (0, eye, 0). What is painted later covers what was painted before.

    Args:
        height (int): Rows of the picture.
        width (int): Columns.
        eye (float): Height of the camera above the floor.
        yaw (float): Turn to the right, radians.
        pitch (float): Tilt upwards, radians.
        roll (float): Tilt sideways, radians.
        focal (float): Focal length in picture widths.
    """

    def __init__(
        self, height, width, eye=1.35, yaw=0.0, pitch=0.0, roll=0.0, focal=1.0
    ):
        self.image = np.zeros((height, width, 3), np.float32)
        cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
        cr, sr = np.cos(roll), np.sin(roll)
        turn = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
        tilt = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        lean = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        self.eye = np.array([0, eye, 0])
        f = focal * width
        # Rows of the picture grow downwards, y grows upwards.
        lens = np.array([[f, 0, width / 2], [0, -f, height / 2], [0, 0, 1]])
        self.rotation = lean @ tilt @ turn
        self.lens = lens
        # Twice the field of view: drawing beyond it would only lose precision.
        wide, high = 1.0 / focal, height / width / focal
        self.frustum = [(np.array([0.0, 0, 1]), _NEAR)]
        for side in (-1.0, 1.0):
            self.frustum.append((np.array([side, 0, wide]), 0.0))
            self.frustum.append((np.array([0, side, high]), 0.0))

    def project(self, points) -> np.ndarray:
        """Return the pixels, (M, 2), of a convex polygon's points, (N, 3).

        What is behind the camera or far outside the picture is cut off.
        """
        seen = list((np.asarray(points, float) - self.eye) @ self.rotation.T)
        for normal, least in self.frustum:
            depths = [float(normal @ point) - least for point in seen]
            kept = []
            for number, (a, over) in enumerate(zip(seen, depths, strict=True)):
                b, other = seen[number - len(seen) + 1], depths[number - len(seen) + 1]
                if over > 0:
                    kept.append(a)
                if (over > 0) != (other > 0):
                    kept.append(a + (b - a) * over / (over - other))
            seen = kept
        if len(seen) < 3:
            return np.zeros((0, 2))
        flat = np.array(seen) @ self.lens.T
        return flat[:, :2] / flat[:, 2:]

    def _region(self, corners):
        """Clipped bounds and coverage of a projected polygon, or None."""
        outline = self.project(corners)
        height, width = self.image.shape[:2]
        if len(outline) == 0:
            return None
        low = np.floor(np.maximum(outline.min(0), 0)).astype(int)
        high = np.ceil(np.minimum(outline.max(0), [width, height])).astype(int)
        if np.any(high <= low):
            return None
        cover = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        points = np.round((outline - low - 0.5) * 16).astype(np.int32)
        cv2.fillConvexPoly(cover, points, 255, cv2.LINE_AA, 4)
        return low, high, cover

    def paint(self, texture, corner, along, down, opacity=1.0, alpha=None) -> None:
        """Paint a texture on a rectangle.

        Args:
            texture (ndarray): (h, w, 3) float32, or a colour (3,).
            corner (sequence): World point of the texture's top left.
            along (sequence): World vector of the texture's width.
            down (sequence): World vector of the texture's height.
            opacity (float): 0..1.
            alpha (ndarray, optional): (h, w) float32 coverage of the texture.
        """
        corner, along, down = (np.asarray(a, float) for a in (corner, along, down))
        region = self._region(
            [corner, corner + along, corner + along + down, corner + down]
        )
        if region is None:
            return
        low, high, cover = region
        texture = np.asarray(texture, np.float32)
        if texture.ndim == 1:
            texture = texture.reshape(1, 1, 3)
        rows, columns = texture.shape[:2]
        plane = np.stack([along / columns, down / rows, corner - self.eye], 1)
        shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]])
        matrix = _TO_CENTER @ shift @ self.lens @ self.rotation @ plane @ _TO_CORNER
        size = (int(high[0] - low[0]), int(high[1] - low[1]))
        flags = cv2.INTER_LINEAR
        border = cv2.BORDER_REPLICATE
        target = self.image[low[1] : high[1], low[0] : high[0]]
        weight = cover * np.float32(opacity / 255)
        if rows * columns == 1:
            ink = np.empty_like(target)
            ink[:] = texture
        else:
            ink = cv2.warpPerspective(texture, matrix, size, None, flags, border)
        if alpha is not None:
            mask = cv2.warpPerspective(alpha, matrix, size, None, flags, border)
            weight = weight * mask
        target[:] = cv2.blendLinear(ink, target.copy(), weight, 1 - weight)

    def darken(self, corners, amount, blur) -> None:
        """Multiply a polygon by 1 - amount, its edge softened by blur pixels."""
        outline = self.project(corners)
        if len(outline) == 0:
            return
        height, width = self.image.shape[:2]
        margin = 3 * blur
        low = np.clip(np.floor(outline.min(0) - margin), 0, [width, height]).astype(int)
        high = np.clip(np.ceil(outline.max(0) + margin), 0, [width, height]).astype(int)
        if np.any(high <= low):
            return
        cover = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        points = np.round((outline - low - 0.5) * 16).astype(np.int32)
        cv2.fillConvexPoly(cover, points, 255, cv2.LINE_AA, 4)
        cover = cv2.blur(
            cv2.blur(cover, (round(blur) + 1,) * 2), (round(blur) + 1,) * 2
        )
        shade = 1 - cover * np.float32(amount / 255)
        self.image[low[1] : high[1], low[0] : high[0]] *= shade[..., None]

    def box(self, near, size, front, top=None, side=None, shadow=0.35) -> None:
        """Paint a box that stands square to the room.

        Args:
            near (sequence): World x (left), y (bottom), z (front face).
            size (sequence): Width, height and depth in metres.
            front (ndarray): Texture or colour of the front.
            top (ndarray, optional): Of the top; lighter than the front.
            side (ndarray, optional): Of both sides; darker.
            shadow (float): Darkness of the floor around its foot.
        """
        (x, y, z), (w, h, d) = near, size
        mean = np.asarray(front, np.float32).reshape(-1, 3).mean(0)
        top = np.clip(mean * 1.12 + 0.03, 0, 1) if top is None else top
        side = mean * 0.72 if side is None else side
        unit = self.image.shape[1] / 60
        if shadow:
            pad = 0.12
            foot = [(x - pad, y, z - pad), (x + w + pad, y, z - pad)]
            foot += [(x + w + pad, y, z + d), (x - pad, y, z + d)]
            self.darken(foot, shadow, unit)
        self.paint(side, (x, y + h, z + d), (0, 0, -d), (0, -h, 0))
        self.paint(side, (x + w, y + h, z), (0, 0, d), (0, -h, 0))
        if y + h < self.eye[1]:
            self.paint(top, (x, y + h, z + d), (w, 0, 0), (0, 0, -d))
        self.paint(front, (x, y + h, z), (w, 0, 0), (0, -h, 0))
