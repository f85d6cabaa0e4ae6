"""The engine: carries files through stages. It knows no security and no machine learning."""
