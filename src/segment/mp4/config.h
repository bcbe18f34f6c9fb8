/* How a decoder is told what comes: the records that sample entries hold. Pure. */
#ifndef SEGMENT_MP4_CONFIG_H
#define SEGMENT_MP4_CONFIG_H

#include "base/buf.h"
#include "media/h264_params.h"

/* AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1), lengths of four bytes. `params` is
 * complete. */
void avc_config_put(struct buf *out, const struct h264_params *params);

/* AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1): LC, 48 kHz, one or two channels. */
void aac_config_put(struct buf *out, unsigned channels);

#endif
