"""Look inside a trained network."""

from kerasdl.inspection.alignment import draw_alignments as draw_alignments
from kerasdl.inspection.alignment import save_alignments as save_alignments
from kerasdl.inspection.alignment import save_heads as save_heads
from kerasdl.inspection.attention import attention_maps as attention_maps
from kerasdl.inspection.attention import class_token_attention as class_token_attention
from kerasdl.inspection.attention import rollout as rollout
from kerasdl.inspection.captions import save_captions as save_captions
from kerasdl.inspection.descent import draw_descent as draw_descent
from kerasdl.inspection.descent import draw_paths as draw_paths
from kerasdl.inspection.descent import save_descent as save_descent
from kerasdl.inspection.descent import save_paths as save_paths
from kerasdl.inspection.explanation import explain as explain
from kerasdl.inspection.explanation_plots import save_explanation as save_explanation
from kerasdl.inspection.gradient_flow import GradientFlow as GradientFlow
from kerasdl.inspection.gradient_flow import draw_gradient_flow as draw_gradient_flow
from kerasdl.inspection.gradient_flow import gradient_flow as gradient_flow
from kerasdl.inspection.gradient_flow import save_gradient_flow as save_gradient_flow
from kerasdl.inspection.live import LiveCurves as LiveCurves
from kerasdl.inspection.plots import draw_attention as draw_attention
from kerasdl.inspection.plots import save_attention as save_attention
from kerasdl.inspection.saliency import grad_cam as grad_cam
from kerasdl.inspection.saliency import saliency as saliency
from kerasdl.inspection.word_saliency import save_word_saliency as save_word_saliency
from kerasdl.inspection.word_saliency import word_saliency as word_saliency
