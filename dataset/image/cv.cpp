/* SPDX-License-Identifier: Apache-2.0 */

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <new>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#undef MIN /* base/macro.h has its own */
#undef MAX
extern "C" {
#include "image/image.h"
}
#include "image/cv.h"

namespace
{
/* A view, no copy. OpenCV has no const matrix; these are only read from. */
cv::Mat view(const struct image *img)
{
    return cv::Mat((int) img->height, (int) img->width, img->n_chan == 3 ? CV_8UC3 : CV_8UC1,
                   img->data, img->stride);
}

/* No exception may cross into C. OpenCV throws on a failed allocation and on sizes it cannot take.
 */
template <typename F> int guarded(F f)
{
    try {
        return f();
    } catch (const cv::Exception &e) {
        return e.code == cv::Error::StsNoMem ? -ENOMEM : -EINVAL;
    } catch (const std::bad_alloc &) {
        return -ENOMEM;
    } catch (...) {
        return -EINVAL;
    }
}

int plane_new(unsigned width, unsigned height, struct image_plane *ret)
{
    ret->data = (float *) calloc((size_t) width * height, sizeof(float));
    if (!ret->data)
        return -ENOMEM;
    ret->width = width;
    ret->height = height;
    return 0;
}
} // namespace

extern "C" int image_resize(const struct image *img, unsigned width, unsigned height,
                            struct image **ret)
{
    struct image *out = nullptr;
    int r = image_new(width, height, img->n_chan, &out);
    if (r < 0)
        return r;
    out->dpi = img->dpi * width / img->width;
    r = guarded([&] {
        cv::Mat to = view(out);
        const bool shrinks = width <= img->width && height <= img->height;
        cv::resize(view(img), to, to.size(), 0, 0, shrinks ? cv::INTER_AREA : cv::INTER_CUBIC);
        return 0;
    });
    if (r < 0)
        image_free(out);
    else
        *ret = out;
    return r;
}

extern "C" int image_warp(const struct image *img, const double m[6], unsigned width,
                          unsigned height, struct image **ret)
{
    struct image *out = nullptr;
    int r = image_new(width, height, img->n_chan, &out);
    if (r < 0)
        return r;
    out->dpi = img->dpi;
    r = guarded([&] {
        cv::Mat to = view(out);
        const cv::Matx23d matrix(m[0], m[1], m[2], m[3], m[4], m[5]);
        cv::warpAffine(view(img), to, matrix, to.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
        return 0;
    });
    if (r < 0)
        image_free(out);
    else
        *ret = out;
    return r;
}

extern "C" int image_blur(struct image *img, double sigma_px)
{
    if (!(sigma_px > 0))
        return 0;
    return guarded([&] {
        cv::Mat m = view(img);
        cv::GaussianBlur(m, m, cv::Size(), sigma_px, sigma_px, cv::BORDER_REPLICATE);
        return 0;
    });
}

namespace
{
cv::Scalar colour(const struct image *img, unsigned rgb)
{
    const double r = rgb >> 16 & 255, g = rgb >> 8 & 255, b = rgb & 255;
    return img->n_chan == 3 ? cv::Scalar(r, g, b) : cv::Scalar(0.299 * r + 0.587 * g + 0.114 * b);
}

/* Pixel centres in sixteenths, as OpenCV's `shift` takes them; far outside is as good as near. */
const int shift = 4;
cv::Point fine(double x, double y)
{
    const double far = 1e6;
    return cv::Point((int) std::lround(std::fmin(std::fmax(x, -far), far) * (1 << shift)),
                     (int) std::lround(std::fmin(std::fmax(y, -far), far) * (1 << shift)));
}
} // namespace

extern "C" int image_draw_circle(struct image *img, double x, double y, double radius, unsigned rgb,
                                 int px)
{
    return guarded([&] {
        cv::Mat m = view(img);
        cv::circle(m, fine(x, y), fine(radius, 0).x, colour(img, rgb), px, cv::LINE_AA, shift);
        return 0;
    });
}

extern "C" int image_draw_line(struct image *img, double x0, double y0, double x1, double y1,
                               unsigned rgb, int px)
{
    return guarded([&] {
        cv::Mat m = view(img);
        cv::line(m, fine(x0, y0), fine(x1, y1), colour(img, rgb), px, cv::LINE_AA, shift);
        return 0;
    });
}

extern "C" int image_draw_box(struct image *img, double x, double y, double w, double h,
                              unsigned rgb, int px)
{
    return guarded([&] {
        cv::Mat m = view(img);
        cv::rectangle(m, fine(x, y), fine(x + w, y + h), colour(img, rgb), px, cv::LINE_AA, shift);
        return 0;
    });
}

extern "C" int image_draw_text(struct image *img, const char *text, double x, double y,
                               double height_px, unsigned rgb)
{
    return guarded([&] {
        cv::Mat m = view(img);
        const double scale = cv::getFontScaleFromHeight(cv::FONT_HERSHEY_SIMPLEX, (int) height_px);
        cv::putText(m, text, cv::Point((int) x, (int) y), cv::FONT_HERSHEY_SIMPLEX, scale,
                    colour(img, rgb), 1, cv::LINE_AA);
        return 0;
    });
}

namespace
{
cv::Mat grey_of(const struct image *img)
{
    cv::Mat grey;
    if (img->n_chan == 1)
        return view(img);
    cv::cvtColor(view(img), grey, cv::COLOR_RGB2GRAY);
    return grey;
}

cv::Mat details(const cv::Mat &grey)
{
    cv::Mat fine, rough;
    grey.convertTo(fine, CV_32F);
    cv::GaussianBlur(fine, rough, cv::Size(), 3, 3, cv::BORDER_REPLICATE);
    return fine - rough;
}
} // namespace

extern "C" int image_phash(const struct image *img, uint64_t *ret)
{
    return guarded([&] {
        cv::Mat small, levels, waves;
        cv::resize(grey_of(img), small, cv::Size(32, 32), 0, 0, cv::INTER_AREA);
        small.convertTo(levels, CV_32F);
        cv::dct(levels, waves);
        float low[64], sorted[64];
        for (int i = 0; i < 64; i++) /* without the mean */
            low[i] = sorted[i] = waves.at<float>((i + 1) / 8, (i + 1) % 8);
        std::nth_element(sorted, sorted + 32, sorted + 64);
        uint64_t hash = 0;
        for (int i = 0; i < 64; i++)
            hash |= (uint64_t) (low[i] > sorted[32]) << i;
        *ret = hash;
        return 0;
    });
}

extern "C" int image_likeness(const struct image *a, const struct image *b, double *ret)
{
    return guarded([&] {
        cv::Mat first = grey_of(a), second = grey_of(b), scaled;
        const bool shrinks = second.cols >= first.cols && second.rows >= first.rows;
        cv::resize(second, scaled, first.size(), 0, 0, shrinks ? cv::INTER_AREA : cv::INTER_CUBIC);
        const cv::Mat x = details(first), y = details(scaled);
        const double xy = x.dot(y), xx = x.dot(x), yy = y.dot(y);
        *ret = xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : xx == yy;
        return 0;
    });
}

extern "C" void image_use_same_code(void)
{
    cv::setUseOptimized(false);
    cv::setNumThreads(1);
}

namespace
{
void divide_by_background(const cv::Mat &grey, unsigned background_px, cv::Mat &flat)
{
    cv::Mat background;
    const int side = (int) background_px * 2 + 1;
    cv::blur(grey, background, cv::Size(side, side), cv::Point(-1, -1), cv::BORDER_REPLICATE);
    background += cv::Scalar(8); /* near black a ratio says nothing */
    cv::divide(grey, background, flat, 128, CV_32F);
}
} // namespace

extern "C" int image_flatten(const struct image *grey, unsigned background_px,
                             struct image_plane *ret)
{
    struct image_plane plane = {};
    if (grey->n_chan != 1)
        return -EINVAL;
    int r = plane_new(grey->width, grey->height, &plane);
    if (r == 0)
        r = guarded([&] {
            cv::Mat flat((int) plane.height, (int) plane.width, CV_32F, plane.data);
            divide_by_background(view(grey), background_px, flat);
            flat -= cv::Scalar(128);
            return 0;
        });
    if (r < 0) {
        free(plane.data);
        return r;
    }
    *ret = plane;
    return 0;
}

namespace
{
void box_blur(const cv::Mat &in, unsigned radius_px, cv::Mat &out)
{
    const int side = (int) radius_px * 2 + 1;
    cv::blur(in, out, cv::Size(side, side), cv::Point(-1, -1), cv::BORDER_REPLICATE);
}
} // namespace

extern "C" int image_level(const struct image *grey, unsigned background_px,
                           unsigned surroundings_px, struct image_plane *ret)
{
    struct image_plane plane = {};
    if (grey->n_chan != 1)
        return -EINVAL;
    int r = plane_new(grey->width, grey->height, &plane);
    if (r == 0)
        r = guarded([&] {
            cv::Mat flat((int) plane.height, (int) plane.width, CV_32F, plane.data);
            cv::Mat background, size;
            view(grey).convertTo(flat, CV_32F);
            box_blur(flat, background_px, background);
            flat -= background;
            background += cv::Scalar(8); /* near black a ratio says nothing */
            cv::divide(flat, background, flat, 128);
            cv::absdiff(flat, cv::Scalar(0), size);
            box_blur(size, surroundings_px, size);
            cv::max(size, cv::Scalar(0.5), size);
            cv::divide(flat, size, flat);
            return 0;
        });
    if (r < 0) {
        free(plane.data);
        return r;
    }
    *ret = plane;
    return 0;
}

extern "C" int image_slope(const struct image *grey, double sigma_px, unsigned background_px,
                           struct image_plane *ret_x, struct image_plane *ret_y)
{
    struct image_plane px = {}, py = {};
    if (grey->n_chan != 1 || !(sigma_px > 0))
        return -EINVAL;
    int r = plane_new(grey->width, grey->height, &px);
    if (r == 0)
        r = plane_new(grey->width, grey->height, &py);
    if (r == 0)
        r = guarded([&] {
            cv::Mat flat;
            divide_by_background(view(grey), background_px, flat);
            const int radius = (int) std::ceil(3 * sigma_px);
            cv::Mat smooth = cv::getGaussianKernel(2 * radius + 1, sigma_px, CV_32F), slope;
            slope = smooth.clone();
            for (int i = -radius; i <= radius; i++)
                slope.at<float>(i + radius) *= (float) (i / (sigma_px * sigma_px));
            cv::Mat x((int) px.height, (int) px.width, CV_32F, px.data);
            cv::Mat y((int) py.height, (int) py.width, CV_32F, py.data);
            cv::sepFilter2D(flat, x, CV_32F, slope, smooth, cv::Point(-1, -1), 0,
                            cv::BORDER_REPLICATE);
            cv::sepFilter2D(flat, y, CV_32F, smooth, slope, cv::Point(-1, -1), 0,
                            cv::BORDER_REPLICATE);
            return 0;
        });
    if (r < 0) {
        free(px.data);
        free(py.data);
        return r;
    }
    *ret_x = px;
    *ret_y = py;
    return 0;
}
