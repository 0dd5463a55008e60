"""A mask head that shows the features which its masks are made of."""

from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class FeatureMaskHead(FCNMaskHead):
    """mmdet's FCNMaskHead in two steps, so that other heads may share the first.

    Its parameters, names and results are FCNMaskHead's.

    Shapes: N RoIs, C channels, F feature channels, S RoI side.
    """

    @property
    def feat_channels(self) -> int:
        """F."""
        return self.conv_out_channels if self.num_convs else self.in_channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, S, S) -> (N, categories, 2 S, 2 S) logits."""
        return self.forward_maps(self.forward_features(x))

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, C, S, S) -> (N, F, S, S): the convolutions."""
        for conv in self.convs:
            x = conv(x)
        return x

    def forward_maps(self, features: Tensor) -> Tensor:
        """(N, F, S, S) -> (N, categories, 2 S, 2 S) logits: all that follows them."""
        if self.upsample is not None:
            features = self.upsample(features)
            if self.upsample_method == 'deconv':
                features = self.relu(features)
        return self.conv_logits(features)
