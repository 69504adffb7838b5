"""Which loss learns the scale? Labels that contradict at a known rate, both losses, same start.

Question: on labels that contradict each other at a known rate, where does the scale of Gaussian
logits end under the expected cross-entropy (the blog's loss) and under the marginal likelihood
(Kendall and Gal's)?

`run(settings, folder)` writes `folder/collapse.json` and returns the same dict. All numbers are
plain floats, all axes are lists; S seeds, R rates, E recorded epochs, G points of the curve:

    settings                   dict of the settings below
    seeds                      [S] int
    rates                      [R] true probability that a label is the contradicting class, 0..0.5
    initial_scale              mean scale before the first step (a softplus of about 0)
    expected_cross_entropy     what this loss learned, and the same for the other loss:
    marginal_likelihood
        scale_mean             [R] mean scale of the items of a rate, mean over seeds
        scale_sd               [R] its standard deviation over seeds
        probability_mean       [R] predicted probability of the contradicting class (true: `rates`)
        probability_sd         [R] its standard deviation over seeds
        loss_mean, loss_sd     final training loss in nats, over seeds
        trajectory
            epoch              [E] int, 0 is before training
            scale              [E] mean scale over all items and seeds
            scale_by_rate      [R][E] the same for the items of each rate
    loc_sees_the_rate          {expected_cross_entropy: {...}, marginal_likelihood: {...}} as above,
                               for a network whose loc can express the rate by itself (the caveat)
    curve                      loc = (3, 0, 0), one scale for all three classes, by quadrature
        scale                  [G]
        right, wrong           {expected_cross_entropy: [G], marginal_likelihood: [G]} in nats, for
                               the label that loc prefers and for one that it does not
"""

LOSSES = ("expected_cross_entropy", "marginal_likelihood")
RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
CURVE_LOC = (3.0, 0.0, 0.0)
