// mmcv's own CUDA kernels as serial C++, called as mmcv._ext calls them.
// The headers come from the installed mmcv; see mmcv_kernels.py.
#include "carafe_naive_cuda_kernel.cuh"
#include "deform_roi_pool_cuda_kernel.cuh"
#include "masked_conv2d_cuda_kernel.cuh"
#include "ms_deform_attn_cuda_kernel.cuh"
#include "roi_pool_cuda_kernel.cuh"
#include "sigmoid_focal_loss_cuda_kernel.cuh"
#include "softmax_focal_loss_cuda_kernel.cuh"

#define P(tensor) (tensor).data_ptr<scalar_t>()
#define OPTIONAL(tensor) ((tensor).numel() ? P(tensor) : nullptr)
#define I(tensor) (tensor).data_ptr<int64_t>()
#define DISPATCH(tensor, ...) \
  AT_DISPATCH_FLOATING_TYPES((tensor).scalar_type(), "kernel", __VA_ARGS__)

void roi_pool_forward(Tensor input, Tensor rois, Tensor output, Tensor argmax,
                      int pooled_height, int pooled_width,
                      double spatial_scale) {
  DISPATCH(input, [&] {
    roi_pool_forward_cuda_kernel<scalar_t>(
        output.numel(), P(input), P(rois), P(output), argmax.data_ptr<int>(),
        pooled_height, pooled_width, spatial_scale, input.size(1),
        input.size(2), input.size(3));
  });
}

void roi_pool_backward(Tensor grad_output, Tensor rois, Tensor argmax,
                       Tensor grad_input, int pooled_height, int pooled_width,
                       double spatial_scale) {
  DISPATCH(grad_input, [&] {
    roi_pool_backward_cuda_kernel<scalar_t>(
        grad_output.numel(), P(grad_output), P(rois), argmax.data_ptr<int>(),
        P(grad_input), pooled_height, pooled_width, grad_input.size(1),
        grad_input.size(2), grad_input.size(3));
  });
}

void deform_roi_pool_forward(Tensor input, Tensor rois, Tensor offset,
                             Tensor output, int pooled_height,
                             int pooled_width, double spatial_scale,
                             int sampling_ratio, double gamma) {
  DISPATCH(input, [&] {
    deform_roi_pool_forward_cuda_kernel<scalar_t>(
        output.numel(), P(input), P(rois), OPTIONAL(offset), P(output),
        pooled_height, pooled_width, spatial_scale, sampling_ratio, gamma,
        input.size(1), input.size(2), input.size(3));
  });
}

void deform_roi_pool_backward(Tensor grad_output, Tensor input, Tensor rois,
                              Tensor offset, Tensor grad_input,
                              Tensor grad_offset, int pooled_height,
                              int pooled_width, double spatial_scale,
                              int sampling_ratio, double gamma) {
  DISPATCH(input, [&] {
    deform_roi_pool_backward_cuda_kernel<scalar_t>(
        grad_output.numel(), P(grad_output), P(input), P(rois),
        OPTIONAL(offset), P(grad_input), OPTIONAL(grad_offset), pooled_height,
        pooled_width, spatial_scale, sampling_ratio, gamma, input.size(1),
        input.size(2), input.size(3));
  });
}

void masked_im2col_forward(Tensor im, Tensor rows, Tensor columns, Tensor col,
                           int kernel_h, int kernel_w, int pad_h, int pad_w) {
  DISPATCH(im, [&] {
    MaskedIm2colForward<scalar_t>(
        im.size(1) * rows.size(0), P(im), im.size(2), im.size(3), kernel_h,
        kernel_w, pad_h, pad_w, I(rows), I(columns), rows.size(0), P(col));
  });
}

void masked_col2im_forward(Tensor col, Tensor rows, Tensor columns, Tensor im,
                           int height, int width, int channels) {
  DISPATCH(im, [&] {
    MaskedCol2imForward<scalar_t>(channels * rows.size(0), P(col), height,
                                  width, channels, I(rows), I(columns),
                                  rows.size(0), P(im));
  });
}

void sigmoid_focal_loss_forward(Tensor input, Tensor target, Tensor weight,
                                Tensor output, double gamma, double alpha) {
  DISPATCH(input, [&] {
    sigmoid_focal_loss_forward_cuda_kernel<scalar_t>(
        output.numel(), P(input), I(target), OPTIONAL(weight), P(output),
        gamma, alpha, input.size(1));
  });
}

void sigmoid_focal_loss_backward(Tensor input, Tensor target, Tensor weight,
                                 Tensor grad_input, double gamma,
                                 double alpha) {
  DISPATCH(input, [&] {
    sigmoid_focal_loss_backward_cuda_kernel<scalar_t>(
        grad_input.numel(), P(input), I(target), OPTIONAL(weight),
        P(grad_input), gamma, alpha, input.size(1));
  });
}

void softmax_focal_loss_forward(Tensor input, Tensor target, Tensor weight,
                                Tensor output, double gamma, double alpha) {
  DISPATCH(input, [&] {
    softmax_focal_loss_forward_cuda_kernel<scalar_t>(
        output.numel(), P(input), I(target), OPTIONAL(weight), P(output),
        gamma, alpha, input.size(1));
  });
}

void softmax_focal_loss_backward(Tensor input, Tensor target, Tensor weight,
                                 Tensor buff, Tensor grad_input, double gamma,
                                 double alpha) {
  DISPATCH(input, [&] {
    softmax_focal_loss_backward_cuda1_kernel<scalar_t>(
        buff.numel(), P(input), I(target), OPTIONAL(weight), P(buff), gamma,
        alpha, input.size(1));
    softmax_focal_loss_backward_cuda2_kernel<scalar_t>(
        grad_input.numel(), P(input), I(target), P(buff), P(grad_input),
        input.size(1));
  });
}

Tensor ms_deform_attn_forward(Tensor value, Tensor shapes, Tensor starts,
                              Tensor locations, Tensor weights,
                              int im2col_step) {
  const int batch = value.size(0), keys = value.size(1), heads = value.size(2),
            channels = value.size(3), queries = locations.size(1);
  Tensor output =
      at::zeros({batch, queries, heads * channels}, value.options());
  DISPATCH(value, [&] {
    ms_deformable_im2col_gpu_kernel<scalar_t>(
        output.numel(), P(value), I(shapes), I(starts), P(locations),
        P(weights), batch, keys, heads, channels, locations.size(3), queries,
        locations.size(4), P(output));
  });
  return output;
}

void ms_deform_attn_backward(Tensor value, Tensor shapes, Tensor starts,
                             Tensor locations, Tensor weights,
                             Tensor grad_output, Tensor grad_value,
                             Tensor grad_locations, Tensor grad_weights,
                             int im2col_step) {
  DISPATCH(value, [&] {
    ms_deformable_col2im_gpu_kernel_gm<scalar_t>(
        grad_output.numel(), P(grad_output), P(value), I(shapes), I(starts),
        P(locations), P(weights), value.size(0), value.size(1), value.size(2),
        value.size(3), locations.size(3), locations.size(1),
        locations.size(4), P(grad_value), P(grad_locations),
        P(grad_weights));
  });
}

void carafe_forward(Tensor features, Tensor masks, Tensor rfeatures,
                    Tensor routput, Tensor rmasks, Tensor output,
                    int kernel_size, int group_size, int scale_factor) {
  rfeatures.copy_(features);
  DISPATCH(features, [&] {
    carafe_naive_forward_cuda_kernel<scalar_t>(
        output.numel(), P(features), P(masks), P(output), kernel_size,
        group_size, scale_factor, output.size(1), output.size(2),
        output.size(3));
  });
}

void carafe_backward(Tensor grad_output, Tensor features, Tensor masks,
                     Tensor rtop_grad, Tensor rbottom_grad_hs,
                     Tensor rbottom_grad, Tensor rmask_grad, Tensor grad_input,
                     Tensor grad_masks, int kernel_size, int group_size,
                     int scale_factor) {
  DISPATCH(features, [&] {
    carafe_naive_backward_cuda_kernel<scalar_t>(
        grad_output.numel(), P(grad_output), P(features), P(masks),
        P(grad_input), P(grad_masks), kernel_size, group_size, scale_factor,
        grad_output.size(1), grad_output.size(2), grad_output.size(3));
  });
}

#define ARG(name) py::arg(name)
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("roi_pool_forward", &roi_pool_forward, ARG("input"), ARG("rois"),
        ARG("output"), ARG("argmax"), ARG("pooled_height"),
        ARG("pooled_width"), ARG("spatial_scale"));
  m.def("roi_pool_backward", &roi_pool_backward, ARG("grad_output"),
        ARG("rois"), ARG("argmax"), ARG("grad_input"), ARG("pooled_height"),
        ARG("pooled_width"), ARG("spatial_scale"));
  m.def("deform_roi_pool_forward", &deform_roi_pool_forward, ARG("input"),
        ARG("rois"), ARG("offset"), ARG("output"), ARG("pooled_height"),
        ARG("pooled_width"), ARG("spatial_scale"), ARG("sampling_ratio"),
        ARG("gamma"));
  m.def("deform_roi_pool_backward", &deform_roi_pool_backward,
        ARG("grad_output"), ARG("input"), ARG("rois"), ARG("offset"),
        ARG("grad_input"), ARG("grad_offset"), ARG("pooled_height"),
        ARG("pooled_width"), ARG("spatial_scale"), ARG("sampling_ratio"),
        ARG("gamma"));
  m.def("masked_im2col_forward", &masked_im2col_forward, ARG("im"),
        ARG("mask_h_idx"), ARG("mask_w_idx"), ARG("col"), ARG("kernel_h"),
        ARG("kernel_w"), ARG("pad_h"), ARG("pad_w"));
  m.def("masked_col2im_forward", &masked_col2im_forward, ARG("col"),
        ARG("mask_h_idx"), ARG("mask_w_idx"), ARG("im"), ARG("height"),
        ARG("width"), ARG("channels"));
  m.def("sigmoid_focal_loss_forward", &sigmoid_focal_loss_forward,
        ARG("input"), ARG("target"), ARG("weight"), ARG("output"),
        ARG("gamma"), ARG("alpha"));
  m.def("sigmoid_focal_loss_backward", &sigmoid_focal_loss_backward,
        ARG("input"), ARG("target"), ARG("weight"), ARG("grad_input"),
        ARG("gamma"), ARG("alpha"));
  m.def("softmax_focal_loss_forward", &softmax_focal_loss_forward,
        ARG("input"), ARG("target"), ARG("weight"), ARG("output"),
        ARG("gamma"), ARG("alpha"));
  m.def("softmax_focal_loss_backward", &softmax_focal_loss_backward,
        ARG("input"), ARG("target"), ARG("weight"), ARG("buff"),
        ARG("grad_input"), ARG("gamma"), ARG("alpha"));
  m.def("ms_deform_attn_forward", &ms_deform_attn_forward, ARG("value"),
        ARG("shapes"), ARG("starts"), ARG("locations"), ARG("weights"),
        ARG("im2col_step"));
  m.def("ms_deform_attn_backward", &ms_deform_attn_backward, ARG("value"),
        ARG("shapes"), ARG("starts"), ARG("locations"), ARG("weights"),
        ARG("grad_output"), ARG("grad_value"), ARG("grad_locations"),
        ARG("grad_weights"), ARG("im2col_step"));
  m.def("carafe_forward", &carafe_forward, ARG("features"), ARG("masks"),
        ARG("rfeatures"), ARG("routput"), ARG("rmasks"), ARG("output"),
        ARG("kernel_size"), ARG("group_size"), ARG("scale_factor"));
  m.def("carafe_backward", &carafe_backward, ARG("top_grad"),
        ARG("rfeatures"), ARG("masks"), ARG("rtop_grad"),
        ARG("rbottom_grad_hs"), ARG("rbottom_grad"), ARG("rmask_grad"),
        ARG("bottom_grad"), ARG("mask_grad"), ARG("kernel_size"),
        ARG("group_size"), ARG("scale_factor"));
}
