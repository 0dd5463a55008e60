"""What the match head computes of descriptors: scores, targets, loss, RoIs.

Shapes: D numbers a descriptor, Q queries (RoIs of user images), G gallery items
(RoIs of shop images), P positive RoIs of an image.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


def query_vectors(descriptors: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """What a query is scored by: [-2 w*q, 1, sum(w*q^2) + c].

    The logit of a pair, sum(w * (q - g)^2) + c, is the inner product of this and
    of the gallery item's vector; w may have any sign.

    Args:
        descriptors (Tensor): (Q, D), the q.
        weight (Tensor): (D,), w.
        bias (Tensor): (), c.

    Returns:
        Tensor: (Q, D + 2) float32.
    """
    descriptors, weight = descriptors.float(), weight.float()
    norms = (weight * descriptors.square()).sum(dim=1, keepdim=True)
    return torch.cat(
        [-2 * weight * descriptors, torch.ones_like(norms), norms + bias.float()],
        dim=1)


def gallery_vectors(descriptors: Tensor, weight: Tensor) -> Tensor:
    """What a gallery item is scored by: [g, sum(w*g^2), 1].

    Args:
        descriptors (Tensor): (G, D), the g.
        weight (Tensor): (D,), w.

    Returns:
        Tensor: (G, D + 2) float32.
    """
    descriptors, weight = descriptors.float(), weight.float()
    norms = (weight * descriptors.square()).sum(dim=1, keepdim=True)
    return torch.cat([descriptors, norms, torch.ones_like(norms)], dim=1)


def match_logits(queries: Tensor, galleries: Tensor) -> Tensor:
    """Logit of every pair; its sigmoid is the probability of a match.

    Args:
        queries (Tensor): (Q, D + 2).
        galleries (Tensor): (G, D + 2).

    Returns:
        Tensor: (Q, G) float32, under autocast too: the norms cancel out, and what
        is left of them would not survive fewer digits.
    """
    with torch.autocast(queries.device.type, enabled=False):
        return queries.float() @ galleries.float().T


def pair_targets(query_identities: Tensor, gallery_identities: Tensor) -> Tensor:
    """Which pairs match.

    Args:
        query_identities (Tensor): (Q,) int64, -1 for what never pairs.
        gallery_identities (Tensor): (G,) int64, the same.

    Returns:
        Tensor: (Q, G) bool. Two of -1 do not match.
    """
    same = query_identities[:, None] == gallery_identities
    return same & (query_identities >= 0)[:, None]


def pair_loss(logits: Tensor, targets: Tensor, pos_fraction: float | None = None,
              neg_pos_ratio: float | None = None) -> Tensor:
    """Cross entropy of all pairs, or of those that match and the hardest others.

    That of two classes is the binary one of the difference of their logits.

    Args:
        logits (Tensor): (Q, G).
        targets (Tensor): (Q, G) bool.
        pos_fraction (float, optional): The matching pairs' share of the loss,
            however few they are. None: each pair counts alike.
        neg_pos_ratio (float, optional): Of the pairs that do not match, how many
            count for each that does: those of the highest logits. Where none
            matches they are as many as for one. None: all count.

    Returns:
        Tensor: (). The mean over the pairs that count; or ``pos_fraction`` times
        the mean of those that match plus the rest times the mean of the others,
        where a side without a pair adds 0. 0 without any pair; always part of the
        graph.
    """
    losses = F.binary_cross_entropy_with_logits(
        logits, targets.to(logits.dtype), reduction='none')
    negatives = ~targets
    if neg_pos_ratio is not None:
        negatives = _hardest(logits, targets, neg_pos_ratio)
    if pos_fraction is None:
        return _mean_where(losses, targets | negatives)
    return (pos_fraction * _mean_where(losses, targets)
            + (1 - pos_fraction) * _mean_where(losses, negatives))


def _hardest(logits, targets, neg_pos_ratio):
    """(Q, G) bool: of the pairs that do not match, those scored highest."""
    wanted = int(neg_pos_ratio * max(int(targets.sum()), 1) + 0.5)
    scores = logits.detach().masked_fill(targets, -torch.inf).flatten()
    places = scores.topk(min(wanted, int((~targets).sum()))).indices
    hardest = torch.zeros_like(targets).flatten()
    hardest[places] = True
    return hardest.view_as(targets)


def balanced_accuracy(logits: Tensor, targets: Tensor) -> Tensor:
    """Percentage of pairs on the right side of probability 0.5.

    Args:
        logits (Tensor): (Q, G).
        targets (Tensor): (Q, G) bool.

    Returns:
        Tensor: (). The mean of the percentages of those that match and of the
        others, or one of them where the other has no pair; 0 without any pair.
    """
    sides = torch.stack([targets, ~targets])
    right = ((logits > 0) == targets).to(logits.dtype)
    shares = torch.stack([_mean_where(right, side) for side in sides])
    return 100 * shares.sum() / sides.any(dim=(1, 2)).sum().clamp(min=1)


def pick_positives(assigned: Tensor, num: int) -> Tensor:
    """Up to ``num`` of an image's positive RoIs, its items taking turns.

    The RoIs are shuffled by torch's generator; then the first RoI of every item
    comes before the second of any. So an item that few proposals found is there
    too: it may be the only one that pairs.

    Args:
        assigned (Tensor): (P,) int64, the item that each RoI is of.
        num (int): The most to pick.

    Returns:
        Tensor: (min(P, num),) int64, places in ``assigned``.
    """
    shuffled = torch.randperm(len(assigned), device=assigned.device)
    items = assigned[shuffled]
    by_item = items.argsort(stable=True)
    items = items[by_item]
    # How many RoIs of its own item come before each.
    turns = torch.empty_like(by_item)
    turns[by_item] = torch.arange(len(items), device=items.device) - (
        torch.searchsorted(items, items))
    return shuffled[turns.argsort(stable=True)[:num]]


class MatchRoIs(NamedTuple):
    """The RoIs of a batch that feed the match head; N of all images.

    Attributes:
        picks (list[Tensor]): An image, the places of its RoIs among the positives
            of its sampling result.
        identities (Tensor): (N,) int64, image by image; -1 for what never pairs.
        is_user (Tensor): (N,) bool; the others are of shop images.
    """

    picks: list
    identities: Tensor
    is_user: Tensor


def pick_rois(sampling_results: list, identities: list, sources: list,
              num: int) -> MatchRoIs:
    """Up to ``num`` RoIs an image for the match head, as ``pick_positives`` picks.

    A ground-truth box is picked like any other positive where the sampler added
    them. An image whose source is neither 'user' nor 'shop' gives none.

    Args:
        sampling_results (list[SamplingResult]): mmdet's, of B images.
        identities (list[Tensor]): B of (number of items,) int64.
        sources (list[str]): B of 'user', 'shop' or 'unknown'.
        num (int): The most of an image.
    """
    picks = [
        pick_positives(result.pos_assigned_gt_inds,
                       num if source in ('user', 'shop') else 0)
        for result, source in zip(sampling_results, sources, strict=True)]
    picked = [
        numbers[result.pos_assigned_gt_inds[pick]] for numbers, result, pick
        in zip(identities, sampling_results, picks, strict=True)]
    is_user = [
        torch.full_like(pick, source == 'user', dtype=torch.bool)
        for pick, source in zip(picks, sources, strict=True)]
    return MatchRoIs(picks, torch.cat(picked), torch.cat(is_user))


def _mean_where(values, mask):
    """The mean of ``values`` at ``mask``; 0 if there are none."""
    return (values * mask).sum() / mask.sum().clamp(min=1)
